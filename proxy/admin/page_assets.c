/* page_assets.c: see page_assets.h. Compiled from the project's root, where the files are found. */
#include "admin/page_assets.h"

#define ASSET(name, file)                                                                   \
	__asm__(".pushsection .rodata\n"                                                    \
		".global asset_" #name "_begin, asset_" #name "_end\n"                      \
		"asset_" #name "_begin:\n"                                                  \
		".incbin \"" file "\"\n"                                                    \
		"asset_" #name "_end:\n"                                                    \
		".byte 0\n"                                                                 \
		".popsection\n");                                                           \
	extern const char asset_##name##_begin[];                                           \
	extern const char asset_##name##_end[];                                             \
	struct slice name(void)                                                             \
	{                                                                                   \
		return (struct slice){asset_##name##_begin,                                 \
				      (size_t)(asset_##name##_end - asset_##name##_begin)}; \
	}

ASSET(page_style, "proxy/admin/assets/page.css")
ASSET(page_script, "proxy/admin/assets/page.js")
