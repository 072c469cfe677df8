/*
 * rows.h: the table of keys (include/tbl/config_keys.h) as data, and what follows
 * from a row alone: which key is meant, where its field is, and the field's end.
 */
#ifndef HOLDFAST_CONFIG_ROWS_H
#define HOLDFAST_CONFIG_ROWS_H

#include "config/config.h"

#define CONFIG_MINUTE INT64_C(60000) /* ms */
#define CONFIG_HOUR   INT64_C(3600000)
#define CONFIG_MIB    (INT64_C(1) << 20)
/* Of syslog(3), each at its number. */
#define LOG_FACILITIES                                                                             \
	"kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|ntp|audit|alert|clock|" \
	"local0|local1|local2|local3|local4|local5|local6|local7"
#define CONFIG_TEXT_BYTES_MAX 4095 /* of any text; PATH_MAX without its terminator */

struct writer;

enum key_kind {
	KIND_BOOL,
	KIND_COUNT,    /* a whole number */
	KIND_DURATION, /* kept in ms */
	KIND_SECONDS,  /* a duration, kept in s */
	KIND_SIZE,     /* kept in bytes */
	KIND_PERCENT,  /* "20%", kept as the number */
	KIND_WORD,     /* one of row->unit; kept as its place there */
	KIND_ADDRESS,
	KIND_SOCKET,   /* an address, or unix:PATH */
	KIND_LISTEN,   /* an address, unix:PATH or fd:NAME */
	KIND_ORIGIN,   /* an address, unix:PATH or NAME:PORT */
	KIND_DISCOVER, /* dns://NAME:PORT or dns+srv://NAME */
	KIND_TEXT,     /* any; what it means is checked elsewhere */
	KIND_ENDPOINT, /* http://ADDRESS:PORT/PATH */
	KIND_LOG,      /* a destination of log lines: base/destination.h */
	KIND_FILE,     /* name of a file or directory */
	KIND_ID,       /* a name of letters, digits and . _ : - */
	KIND_TOKEN,    /* a secret text: never shown */
	KIND_HOST,     /* kept in lower case */
	KIND_NETWORK,  /* "10.0.0.0/8" */
	KIND_PREFIX,   /* of a path */
	KIND_TARGET,   /* path and query */
	KIND_VISIBLE,  /* printable ASCII without blanks */
	KIND_POOL_KEY, /* name of a file; secrets.c reads it */
	KIND_TEXTS,    /* list of texts, each of element_kind */
	KIND_LIST,     /* list of groups, each of scope `element` */
};

/* Which struct a row's field stands in. */
enum key_scope {
	SCOPE_config,
	SCOPE_config_secret,
	SCOPE_config_listener,
	SCOPE_config_certificate,
	SCOPE_config_node,
	SCOPE_config_service,
	SCOPE_config_member,
	SCOPES
};

struct key_row {
	const char *path; /* "services[].members[].weight" */
	size_t path_bytes;
	enum key_scope scope;
	enum key_kind kind;
	enum key_kind element_kind; /* KIND_TEXTS */
	enum key_scope element;     /* KIND_LIST */
	size_t offset;              /* of the field in the scope's struct */
	size_t width;               /* of the field, bytes */
	size_t count_offset;        /* lists: of the number of elements */
	const char *unit;
	const char *default_text; /* NULL: absent; config_required: must be there */
	int64_t low;
	int64_t high;
	const char *help;
};

struct key_scope_row {
	const char *prefix; /* "services[]" */
	size_t bytes;       /* of the struct */
	size_t line_offset; /* of its `line`; SIZE_MAX: has none */
};

extern const char config_required[];
extern const struct key_row key_rows[];
extern const size_t key_row_count;
extern const struct key_scope_row key_scopes[SCOPES];

/* NULL: no such key. */
const struct key_row *key_row_find(const char *path);
/* Some key's path begins with `path` and a '.'. */
bool key_is_group(const char *path);
/* The row's path within its scope: "health.interval". */
const char *key_row_relative(const struct key_row *row);
/* `low` or `high` of the row, as one would write it: "64KiB", "5m", "20%". */
void write_bound(struct writer *w, const struct key_row *row, int64_t bound);
/* Not in this version, by include/tbl/config_later.h. `text`: the value, or "". */
bool key_is_later(const char *path, const char *text);

/* The pointer that stands at `offset` of *base, whatever it points to. */
void *key_pointer_get(const void *base, size_t offset);
void key_pointer_set(void *base, size_t offset, const void *at);
/*
 * *to is a copy of the bytes of *from: gets copies of what the rows of `scope` own. False: no
 * memory; *to is to be freed all the same.
 */
bool key_scope_copy(enum key_scope scope, const void *from, void *to);
/* Frees what the rows of `scope` own in *base, and nulls it; lists with all their elements. */
void key_scope_free(enum key_scope scope, void *base);

#endif
