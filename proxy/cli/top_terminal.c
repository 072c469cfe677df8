/*
 * top_terminal.c: see top_terminal.h. Signals are blocked and read from a descriptor, so that none
 * is handled in the middle of anything; only a crash restores the terminal from a handler.
 */
#include "cli/top_terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Alternate screen, no cursor; and back (xterm's private modes 1049 and 25). */
static const char enter[] = "\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H";
static const char leave[] = "\x1b[0m\x1b[?25h\x1b[?1049l";

static struct termios before;
static volatile sig_atomic_t is_ours;

static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
static struct sigaction crash_before[sizeof(crashes) / sizeof(crashes[0])];

/* ---- keys -------------------------------------------------------------------------------------
 */

/* Behind "ESC [" or "ESC O": its bytes; *last is the one that ends it (ECMA-48 section 5.4). */
static size_t
sequence_bytes(struct slice s, char *last)
{
	size_t i = 2;
	while (i < s.bytes && (s.at[i] < 0x40 || s.at[i] > 0x7e))
		i++;
	*last = '\0';
	if (i < s.bytes)
		*last = s.at[i];
	return i < s.bytes ? i + 1 : s.bytes;
}

static enum top_key
sequence_key(struct slice s, char last)
{
	switch (last) {
	case 'A':
		return TOP_KEY_UP;
	case 'B':
		return TOP_KEY_DOWN;
	case 'H':
		return TOP_KEY_HOME;
	case 'F':
		return TOP_KEY_END;
	case '~':
		return s.at[2] == '5'   ? TOP_KEY_PAGE_UP
		       : s.at[2] == '6' ? TOP_KEY_PAGE_DOWN
		       : s.at[2] == '1' ? TOP_KEY_HOME
		       : s.at[2] == '4' ? TOP_KEY_END
					: TOP_KEY_NONE;
	default:
		return TOP_KEY_NONE;
	}
}

static enum top_key
character_key(char c)
{
	switch (c) {
	case 'q':
	case 'Q':
	case 0x03: /* Ctrl-C, should it come as a character */
		return TOP_KEY_QUIT;
	case 'k':
		return TOP_KEY_UP;
	case 'j':
		return TOP_KEY_DOWN;
	case '\r':
	case '\n':
		return TOP_KEY_ENTER;
	case 0x1b:
	case 0x7f:
		return TOP_KEY_BACK;
	case 's':
		return TOP_KEY_SORT;
	case 'r':
		return TOP_KEY_REVERSE;
	case 'p':
	case ' ':
		return TOP_KEY_PAUSE;
	case 'h':
	case '?':
		return TOP_KEY_HELP;
	default:
		return TOP_KEY_NONE;
	}
}

enum top_key
top_key_next(struct slice *typed)
{
	char last;
	size_t bytes = 1;
	enum top_key key = character_key(typed->at[0]);
	if (typed->bytes > 1 && typed->at[0] == 0x1b &&
	    (typed->at[1] == '[' || typed->at[1] == 'O')) {
		bytes = sequence_bytes(*typed, &last);
		key = sequence_key(*typed, last);
	}
	*typed = (struct slice){typed->at + bytes, typed->bytes - bytes};
	return key;
}

/* ---- the terminal's state ---------------------------------------------------------------------
 */

void
terminal_write(const char *at, size_t bytes)
{
	while (bytes > 0) {
		ssize_t n = write(STDOUT_FILENO, at, bytes);
		if (n == -1 && errno != EINTR && errno != EAGAIN)
			return;
		if (n == -1)
			continue;
		at += n;
		bytes -= (size_t)n;
	}
}

/* Nothing here but write(2) and tcsetattr(3): a signal handler may call it. */
static void
give_back(void)
{
	if (!is_ours)
		return;
	is_ours = 0;
	ssize_t n = write(STDOUT_FILENO, leave, sizeof(leave) - 1);
	(void)n;
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

static void
take(void)
{
	struct termios raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
	raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	is_ours = 1;
	terminal_write(enter, sizeof(enter) - 1);
}

static void
measure(struct terminal *t)
{
	struct winsize size = {0};
	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	t->columns = size.ws_col > 0 ? size.ws_col : 80;
	t->lines = size.ws_row > 0 ? size.ws_row : 24;
}

/* What was there before is there again, and gets the signal. */
static void
on_crash(int number)
{
	give_back();
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		if (crashes[i] == number)
			(void)sigaction(number, &crash_before[i], NULL);
	}
	(void)raise(number);
}

static void
expect_crashes(void)
{
	struct sigaction action = {.sa_handler = on_crash,
				   .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		(void)sigaction(crashes[i], &action, &crash_before[i]);
}

/* ---- open, close ------------------------------------------------------------------------------
 */

static const int attended[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT};

static void
fill(sigset_t *set)
{
	(void)sigemptyset(set);
	for (size_t i = 0; i < sizeof(attended) / sizeof(attended[0]); i++)
		(void)sigaddset(set, attended[i]);
}

static bool
watch(struct terminal *t, int fd)
{
	struct epoll_event wanted = {.events = EPOLLIN, .data = {.fd = fd}};
	return fd != -1 && epoll_ctl(t->events, EPOLL_CTL_ADD, fd, &wanted) == 0;
}

enum result
terminal_open(struct terminal *t, struct problem *p)
{
	const char *kind = getenv("TERM");
	sigset_t set;
	*t = (struct terminal){.events = -1, .signals = -1};
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || kind == NULL || *kind == '\0' ||
	    strcmp(kind, "dumb") == 0 || tcgetattr(STDIN_FILENO, &before) == -1)
		return problem_set(p, RESULT_INVALID,
				   "a terminal is wanted; without one: --once or --json");
	fill(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	t->events = epoll_create1(EPOLL_CLOEXEC);
	if (t->events == -1 || !watch(t, t->signals) || !watch(t, STDIN_FILENO)) {
		enum result r = problem_set(p, RESULT_IO, "terminal: %s", strerror(errno));
		terminal_close(t);
		return r;
	}
	expect_crashes();
	measure(t);
	take();
	return RESULT_OK;
}

void
terminal_close(struct terminal *t)
{
	give_back();
	if (t->signals != -1)
		(void)close(t->signals);
	if (t->events != -1)
		(void)close(t->events);
	t->signals = -1;
	t->events = -1;
}

/* ---- events -----------------------------------------------------------------------------------
 */

/* Ctrl-Z: the shell gets its terminal as it was, and we ours when we go on. */
static void
stop(struct terminal *t)
{
	give_back();
	(void)kill(getpid(), SIGSTOP);
	take();
	measure(t);
}

static enum terminal_event
take_signal(struct terminal *t)
{
	struct signalfd_siginfo info;
	if (read(t->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return TERMINAL_NOTHING;
	switch ((int)info.ssi_signo) {
	case SIGWINCH:
	case SIGCONT:
		measure(t);
		return TERMINAL_RESIZED;
	case SIGTSTP:
		stop(t);
		return TERMINAL_RESIZED;
	case SIGINT:
		return TERMINAL_INTERRUPTED;
	default:
		t->killed = (int)info.ssi_signo;
		return TERMINAL_KILLED;
	}
}

enum terminal_event
terminal_wait(struct terminal *t, int wait_ms)
{
	struct epoll_event event;
	int got = epoll_wait(t->events, &event, 1, wait_ms);
	if (got <= 0)
		return TERMINAL_NOTHING;
	if (event.data.fd == t->signals)
		return take_signal(t);
	ssize_t n = read(STDIN_FILENO, t->typed, sizeof(t->typed));
	t->typed_bytes = n > 0 ? (size_t)n : 0;
	return n > 0 ? TERMINAL_TYPED : TERMINAL_INTERRUPTED;
}
