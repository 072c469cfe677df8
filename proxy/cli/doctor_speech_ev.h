/*
 * doctor_speech_ev.h: do members that can be connected to answer as the configuration has it? Each
 * is asked once as an active check asks it (members/probe_ev.h). Who does not answer so is asked in
 * the other ways that there are, with and without TLS, by HTTP/1.1 and HTTP/2, until it answers in
 * one.
 *
 * Where no check would ask for a path, `/` is asked for and every status is well: what is spoken is
 * found out, and nothing else; who takes its time then is not complained of.
 */
#ifndef HOLDFAST_CLI_DOCTOR_SPEECH_EV_H
#define HOLDFAST_CLI_DOCTOR_SPEECH_EV_H

#include "config/config.h"

#define SPEECH_BYTES_MAX 192
#define SPEECH_ASK_MS    1000 /* for an answer, where health.timeout does not say */

struct speech {
	const struct config_member *member; /* of the service, asked directly */
	struct addr at;                     /* what its name stands for */
	char wrong[SPEECH_BYTES_MAX];       /* "": it answers as it should; else what it does */
};

/*
 * Fills in `wrong` of each. All are asked together, in four rounds at most, each of a bounded time.
 * Who could not be asked for want of something here is not complained of.
 */
void speech_all(const struct config_service *service, struct speech *list, size_t count);

#endif
