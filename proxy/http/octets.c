/* octets.c: the tables of octets.h. */
#include "http/octets.h"

#define DIGITS  ['0' ... '9'] = true
#define LETTERS ['a' ... 'z'] = true, ['A' ... 'Z'] = true

const bool is_token[256] = {
    DIGITS,       LETTERS,       ['!'] = true, ['#'] = true, ['$'] = true, ['%'] = true,
    ['&'] = true, ['\''] = true, ['*'] = true, ['+'] = true, ['-'] = true, ['.'] = true,
    ['^'] = true, ['_'] = true,  ['`'] = true, ['|'] = true, ['~'] = true,
};

const bool is_target[256] = {['!'] = true, ['"'] = true, ['$' ... '~'] = true};

const bool is_reg_name[256] = {
    DIGITS,       LETTERS,      ['-'] = true, ['.'] = true,  ['_'] = true, ['~'] = true,
    ['!'] = true, ['$'] = true, ['&'] = true, ['\''] = true, ['('] = true, [')'] = true,
    ['*'] = true, ['+'] = true, [','] = true, [';'] = true,  ['='] = true,
};

__attribute__((noinline, cold)) const char *
find_control_slowly(const char *at, const char *end)
{
	while (at < end && !is_control(*at))
		at++;
	return at;
}
