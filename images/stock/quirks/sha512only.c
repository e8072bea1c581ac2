/*
 * Copyright: (c) 2026, quantumsafe.openssh contributors
 * GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
 *
 * Makes crypt(3) as poor as musl's: a hash of a method other than $1$, $2a$/$2b$/$2x$/$2y$, $5$ and $6$ verifies
 * for no password. Loaded by /etc/ld.so.preload in the quirks image only.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

static char refused[] = "*";

static int known(const char *setting)
{
	static const char *const methods[] = { "$1$", "$2a$", "$2b$", "$2x$", "$2y$", "$5$", "$6$" };
	size_t i;

	if (setting == NULL || setting[0] != '$')
		return setting != NULL;
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strncmp(setting, methods[i], strlen(methods[i])) == 0)
			return 1;
	return 0;
}

char *crypt(const char *key, const char *setting)
{
	char *(*real)(const char *, const char *) = dlsym(RTLD_NEXT, "crypt");

	return known(setting) && real != NULL ? real(key, setting) : refused;
}

char *crypt_r(const char *key, const char *setting, void *data)
{
	char *(*real)(const char *, const char *, void *) = dlsym(RTLD_NEXT, "crypt_r");

	return known(setting) && real != NULL ? real(key, setting, data) : refused;
}
