/*
 * ask.c: clients ask who is master while masters die, at any step of the search. Each client goes
 * from node to node: asks, waits for two ping time-outs, goes to the next; goes to the master that
 * it is told, and asks again, saying that it is dead, where nobody serves there. Whatever dies,
 * every client reaches a working master in time; what it is told was master under that term; and a
 * crowd makes no more elections than one client.
 */
#include "cluster/ask.h"
#include "elect.h"

#include <stdlib.h>

#define CLIENTS     40
#define ASK_US      (10 * SIM_SECOND_US)
#define END_US      (30 * SIM_SECOND_US)
#define PATIENCE_US (600 * SIM_MS_US)
#define STEP_US     (1 * SIM_MS_US) /* from a client to a node, and back */

static const struct ask_rules rules = {.ping_ms = 300, .win_ms = 500, .rest_ms = 1000};

struct node {
	struct election election; /* first: elect_at */
	struct ask ask;
	uint64_t waiting; /* bit a client */
};

struct client {
	uint64_t began_us; /* 0: not yet */
	uint64_t served_us;
	uint64_t asked; /* counts its questions: answers to older ones are not waited for */
	cluster_node at;
	struct ask_question question;
};

struct ask_world {
	struct elect_world elect;
	struct client client[CLIENTS];
	uint64_t bound_us;
	uint64_t last_death_us;
	uint64_t messages;
};

static void client_asks(struct sim *s, uint64_t c);

static struct node *
at(struct sim *s, cluster_node n)
{
	return sim_state(s, n);
}

/* It is told a master, and goes there. */
static void
client_follows(struct sim *s, uint64_t argument)
{
	struct ask_world *world = sim_world(s);
	struct client *client = &world->client[argument % CLIENTS];
	cluster_node master = (cluster_node)(argument / CLIENTS);
	if (client->served_us != 0)
		return;
	if (sim_on(s, master) && elect_at(s, master)->state == ELECTION_MASTER) {
		client->served_us = sim_now_us(s);
		return;
	}
	client->question.dead = master;
	client_asks(s, argument % CLIENTS);
}

static void
client_is_answered(struct sim *s, uint64_t c, cluster_node n, const struct ask_answer *answer)
{
	struct client *client = &((struct ask_world *)sim_world(s))->client[c];
	if (client->served_us != 0 || client->at != n)
		return;
	client->asked++; /* no time-out any more */
	if (answer->how == ASK_NOBODY) {
		sim_at(s, answer->retry_ms / 4 * SIM_MS_US, client_asks, c);
		return;
	}
	if (answer->master.term < client->question.term && answer->redirect)
		sim_fail(s, "client %llu is sent back to term %llu", (unsigned long long)c,
			 (unsigned long long)answer->master.term);
	if (answer->master.term > client->question.term)
		client->question.term = answer->master.term;
	sim_at(s, STEP_US, client_follows, c + CLIENTS * (uint64_t)answer->master.node);
}

static void
node_hears(struct sim *s, cluster_node n, uint64_t now, uint64_t c, struct outbox *out)
{
	struct node *node = at(s, n);
	const struct client *client = &((struct ask_world *)sim_world(s))->client[c];
	struct ask_answer answer;
	sim_note(s, n, "# client %llu asks", (unsigned long long)c);
	if (ask_question(&node->ask, &rules, &node->election, now, &client->question, &answer, out))
		client_is_answered(s, c, n, &answer);
	else
		node->waiting |= UINT64_C(1) << c;
}

static void
client_gives_up(struct sim *s, uint64_t argument)
{
	struct client *client = &((struct ask_world *)sim_world(s))->client[argument % CLIENTS];
	if (client->asked == argument / CLIENTS)
		client_asks(s, argument % CLIENTS);
}

static void
client_asks(struct sim *s, uint64_t c)
{
	struct client *client = &((struct ask_world *)sim_world(s))->client[c];
	if (client->served_us != 0)
		return;
	if (client->began_us == 0)
		client->began_us = sim_now_us(s);
	client->at = (cluster_node)((client->at + 1) % sim_count(s));
	client->asked++;
	if (sim_on(s, client->at))
		sim_after(s, client->at, STEP_US, node_hears, c);
	sim_at(s, PATIENCE_US, client_gives_up, c + CLIENTS * client->asked);
}

static void
settle_clients(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	struct node *node = at(s, n);
	if (!ask_tick(&node->ask, &rules, &node->election, now, out))
		return;
	for (uint64_t c = 0; c < CLIENTS; c++) {
		if ((node->waiting >> c & 1) == 0)
			continue;
		const struct client *client = &((struct ask_world *)sim_world(s))->client[c];
		struct ask_answer answer =
		    ask_answer(&node->ask, &rules, &node->election, now, &client->question);
		client_is_answered(s, c, n, &answer);
	}
	node->waiting = 0;
}

static void
boot(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	election_init(&at(s, n)->election, sim_nodes(s, n), &elect_rules, sim_incarnation(s, n),
		      now, out);
}

static void
receive(struct sim *s, cluster_node n, uint64_t now, const struct incoming *in, struct outbox *out)
{
	(void)election_receive(&at(s, n)->election, now, in, out);
	settle_clients(s, n, now, out);
}

static void
tick(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	election_tick(&at(s, n)->election, now, out);
	settle_clients(s, n, now, out);
}

static uint64_t
next(struct sim *s, cluster_node n)
{
	uint64_t one_ms = election_next(&at(s, n)->election);
	uint64_t other_ms = ask_next(&at(s, n)->ask);
	return one_ms < other_ms ? one_ms : other_ms;
}

static void
head(struct sim *s, cluster_node n, uint64_t *epoch, uint64_t *term)
{
	*epoch = 0;
	*term = election_term(&at(s, n)->election);
}

static const struct sim_program program = {.state_bytes = sizeof(struct node),
					   .boot = boot,
					   .receive = receive,
					   .tick = tick,
					   .next = next,
					   .head = head};

/* The master, if there is one; else whoever is about to be. */
static void
kill_one(struct sim *s, uint64_t unused)
{
	(void)unused;
	struct ask_world *world = sim_world(s);
	cluster_node victim = elect_settled(s);
	if (victim == NODE_NONE)
		victim = elect_best(s);
	world->last_death_us = sim_now_us(s);
	sim_crash(s, victim);
}

static void
remember(struct sim *s, uint64_t unused)
{
	(void)unused;
	struct ask_world *world = sim_world(s);
	world->bound_us = elect_longest_us(s) + 2 * SIM_SECOND_US + 2 * PATIENCE_US;
	world->messages = elect_messages(s);
}

static void
start(struct sim *s)
{
	elect_cluster(s, 5, sim_chance(s, 200000));
	elect_distances(s);
	elect_boot_all(s, 0);
	uint64_t first_us = ASK_US + sim_draw(s, SIM_SECOND_US);
	sim_at(s, first_us - 1, remember, 0);
	sim_at(s, first_us, kill_one, 0);
	/* a second one within the search for the first, at any step */
	sim_at(s, first_us + 1 + sim_draw(s, 1500 * SIM_MS_US), kill_one, 0);
	struct ask_world *world = sim_world(s);
	for (uint64_t c = 0; c < CLIENTS; c++) {
		world->client[c].at = (cluster_node)sim_draw(s, 5);
		world->client[c].question.dead = NODE_NONE;
		sim_at(s, ASK_US + sim_draw(s, 3 * SIM_SECOND_US), client_asks, c);
	}
}

static void
check(struct sim *s)
{
	struct ask_world *world = sim_world(s);
	elect_check(s);
	if (world->bound_us == 0)
		return;
	uint64_t since_us = sim_now_us(s) - world->last_death_us;
	for (size_t c = 0; c < CLIENTS; c++) {
		const struct client *client = &world->client[c];
		if (client->began_us == 0 || client->served_us != 0 || since_us <= world->bound_us)
			continue;
		if (sim_now_us(s) - client->began_us > world->bound_us)
			sim_fail(s, "client %zu is not served", c);
	}
}

static void
end(struct sim *s)
{
	struct ask_world *world = sim_world(s);
	uint64_t longest_us = 0;
	for (size_t c = 0; c < CLIENTS; c++) {
		const struct client *client = &world->client[c];
		uint64_t took_us = client->served_us - client->began_us;
		longest_us = took_us > longest_us ? took_us : longest_us;
	}
	sim_measure(s, "slowest client ms", longest_us / SIM_MS_US);
	uint64_t messages = elect_messages(s) - world->messages;
	sim_measure(s, "messages of two deaths/N %", messages * 100 / 5);
	if (messages > (uint64_t)8 * 5 + 2 * 5)
		sim_fail(s, "%llu messages: the crowd is heard", (unsigned long long)messages);
}

const struct sim_scenario scenario_ask = {
    .name = "ask",
    .help = "clients ask for the master while masters die: each reaches one in time",
    .program = &program,
    .world_bytes = sizeof(struct ask_world),
    .length_us = END_US,
    .start = start,
    .check = check,
    .end = end,
};
