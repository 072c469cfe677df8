/* page_assets.c: see page_assets.h. Compiled from the project's root, where the files are found. */
#include "admin/page_assets.h"

/* The assembler knows the length: in C, two symbols are two objects, and their distance is none. */
#define ASSET(name, file)                                                  \
	__asm__(".pushsection .rodata\n"                                   \
		".global asset_" #name ", asset_" #name "_bytes\n"         \
		"asset_" #name ":\n"                                       \
		".incbin \"" file "\"\n"                                   \
		"1: .byte 0\n"                                             \
		".balign 8\n"                                              \
		"asset_" #name "_bytes:\n"                                 \
		".quad 1b - asset_" #name "\n"                             \
		".popsection\n");                                          \
	extern const char asset_##name[];                                  \
	extern const size_t asset_##name##_bytes;                          \
	struct slice name(void)                                            \
	{                                                                  \
		return (struct slice){asset_##name, asset_##name##_bytes}; \
	}

ASSET(page_style, "proxy/admin/assets/page.css")
ASSET(page_script, "proxy/admin/assets/page.js")
