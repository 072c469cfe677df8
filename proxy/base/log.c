/* log.c: the process log; one write(2) a line, so lines of several threads never mix. */
#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_LINE_BYTES_MAX 1024

static _Atomic(int) level_now = LOG_LEVEL_INFO;
static const char *const level_names[] = {"error", "warn", "info", "debug"};

void
log_level_set(enum log_level level)
{
	atomic_store(&level_now, (int)level);
}

int
log_level_parse(const char *text, enum log_level *out)
{
	for (int i = 0; i <= LOG_LEVEL_DEBUG; i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return 1;
		}
	}
	return 0;
}

static _Atomic(log_taker *) taker_now; /* NULL: stderr */
static void *taker_context;

void
log_divert(log_taker *taker, void *context)
{
	taker_context = context;
	atomic_store_explicit(&taker_now, taker, memory_order_release);
}

static __attribute__((format(printf, 3, 0))) void
say(log_taker *taker, enum log_level level, const char *format, va_list ap)
{
	if ((int)level > atomic_load_explicit(&level_now, memory_order_relaxed))
		return;
	char message[LOG_LINE_BYTES_MAX - 64];
	(void)vsnprintf(message, sizeof(message), format, ap);
	char line[LOG_LINE_BYTES_MAX];
	struct writer w = writer_on(line, sizeof(line));
	write_timestamp(&w, clock_wall_ms());
	write_format(&w, " %s: %s\n", level_names[level], message);
	if (taker != NULL) {
		taker(taker_context, (struct slice){line, w.bytes});
	} else if (write(STDERR_FILENO, line, w.bytes) == -1) {
		/* nobody is left to tell */
	}
}

void
log_line(enum log_level level, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	say(atomic_load_explicit(&taker_now, memory_order_acquire), level, format, ap);
	va_end(ap);
}

void
log_aside(enum log_level level, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	say(NULL, level, format, ap);
	va_end(ap);
}
