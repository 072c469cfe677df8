/* page_assets.h: the page's style and script, as the files in admin/assets are; in the binary. */
#ifndef HOLDFAST_ADMIN_PAGE_ASSETS_H
#define HOLDFAST_ADMIN_PAGE_ASSETS_H

#include "base/text.h"

struct slice page_style(void);  /* page.css */
struct slice page_script(void); /* page.js */

#endif
