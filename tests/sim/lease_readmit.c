/*
 * lease_readmit.c: all that lease_chaos.c does, and voters lose their disks again and again, at the
 * worst of times: when one has answered for a term that no other voter has yet. An operator
 * re-admits each as soon as he may (cluster/learn.h). engines.h holds, and in the end all vote.
 */
#include "engines.h"

#define CHAOS_US    (60 * SIM_SECOND_US)
#define AFTER_US    (20 * SIM_SECOND_US)
#define OPERATOR_US (20 * SIM_MS_US) /* he is as quick as can be */

struct readmit_world {
	struct engines_world engines; /* first */
	bool lost[CLUSTER_NODES_MAX]; /* and does not vote again yet */
	bool dooms;                   /* a loss is on its way */
	uint64_t next_loss_us;
	uint64_t any_loss_us; /* then at any time, not at the worst */
	uint64_t losses;
	uint64_t readmitted;
};

static const struct voter *
voter_of(struct sim *s, cluster_node n)
{
	return &engines_embedded(s, n)->voter;
}

static bool
is_voter(struct sim *s, cluster_node n)
{
	return sim_nodes(s, 0)->node[n].voter;
}

static void
wait_for_next(struct sim *s, struct readmit_world *world)
{
	world->next_loss_us = sim_now_us(s) + sim_draw(s, 4 * SIM_SECOND_US);
	world->any_loss_us = world->next_loss_us + sim_draw(s, 8 * SIM_SECOND_US);
}

static void
lose(struct sim *s, uint64_t n)
{
	struct readmit_world *world = sim_world(s);
	struct engines_disk *disk = sim_disk(s, (cluster_node)n);
	sim_crash(s, (cluster_node)n);
	sim_note(s, (cluster_node)n, "! loses its disk");
	register_image_deinit(&disk->image);
	disk->has_image = false;
	world->lost[n] = true;
	world->losses++;
	world->dooms = false;
	wait_for_next(s, world);
	sim_boot(s, (cluster_node)n);
}

/* ---- the operator ----------------------------------------------------------------------------
 */

static void
readmit(struct sim *s, cluster_node n, uint64_t now, uint64_t unused, struct outbox *out)
{
	(void)unused;
	(void)out;
	if (voter_of(s, n)->lost &&
	    embedded_readmit(engines_embedded(s, n), now, NULL) == RESULT_OK)
		sim_note(s, n, "# is being re-admitted");
}

static void
operate(struct sim *s, uint64_t unused)
{
	struct readmit_world *world = sim_world(s);
	(void)unused;
	for (cluster_node n = 0; n < sim_count(s); n++)
		if (world->lost[n] && sim_on(s, n))
			sim_after(s, n, 0, readmit, 0);
	sim_at(s, OPERATOR_US, operate, 0);
}

/* ---- the worst of times ----------------------------------------------------------------------
 */

/* On its disk stands another's term that stands on no other's. */
static bool
knows_alone(struct sim *s, cluster_node n)
{
	for (size_t role = 0; role < ENGINES_ROLES; role++) {
		struct register_head head =
		    register_image_head(&voter_of(s, n)->durable, engines_role[role]);
		bool alone = head.claimant.node != cluster_alias(sim_nodes(s, n), n);
		for (cluster_node i = 0; i < sim_count(s); i++) {
			const struct engines_disk *disk = sim_disk(s, i);
			if (i != n && is_voter(s, i) && disk->has_image)
				alone &=
				    register_image_head(&disk->image, engines_role[role]).term <
				    head.term;
		}
		if (alone)
			return true;
	}
	return false;
}

static size_t
count_lost(struct sim *s, const struct readmit_world *world)
{
	size_t lost = 0;
	for (cluster_node i = 0; i < sim_count(s); i++)
		lost += world->lost[i];
	return lost;
}

static void
doom(struct sim *s, struct readmit_world *world)
{
	uint64_t now = sim_now_us(s);
	size_t majority = cluster_majority(sim_nodes(s, 0));
	if (world->dooms || now < world->next_loss_us || now > CHAOS_US ||
	    count_lost(s, world) + 1 >= majority)
		return;
	for (cluster_node n = 0; n < sim_count(s); n++) {
		bool votes = is_voter(s, n) && sim_on(s, n) && voter_votes(voter_of(s, n));
		if (!votes || !(knows_alone(s, n) || now >= world->any_loss_us))
			continue;
		world->dooms = true;
		sim_at(s, 0, lose, n);
		return;
	}
}

static void
check(struct sim *s)
{
	struct readmit_world *world = sim_world(s);
	engines_check(s);
	for (cluster_node n = 0; n < sim_count(s); n++) {
		if (!world->lost[n] || !sim_on(s, n) || !voter_votes(voter_of(s, n)))
			continue;
		world->lost[n] = false;
		world->readmitted++;
		sim_note(s, n, "# votes again");
	}
	doom(s, world);
}

static void
start(struct sim *s)
{
	struct readmit_world *world = sim_world(s);
	engines_chaos(s, CHAOS_US);
	if (sim_draw(s, 2) == 0)
		world->engines.save_us_max =
		    200 * SIM_MS_US; /* one disk has it long before another */
	world->next_loss_us = ENGINES_BEGIN_US;
	world->any_loss_us = ENGINES_BEGIN_US + 8 * SIM_SECOND_US;
	sim_at(s, ENGINES_BEGIN_US, operate, 0);
}

static void
end(struct sim *s)
{
	const struct readmit_world *world = sim_world(s);
	for (cluster_node n = 0; n < sim_count(s); n++)
		if (is_voter(s, n) && !voter_votes(voter_of(s, n)))
			sim_fail(s, "node %u does not vote in the end: status %u, %s", n,
				 voter_of(s, n)->status, voter_of(s, n)->problem.text);
	if (world->losses == 0)
		sim_fail(s, "nobody lost anything");
	sim_measure(s, "losses", world->losses);
	sim_measure(s, "readmitted", world->readmitted);
	engines_end(s);
}

const struct sim_scenario scenario_lease_readmit = {
    .name = "lease_readmit",
    .help = "voters lose their disks and are re-admitted: nothing is granted twice, all vote again",
    .program = &engines_program,
    .world_bytes = sizeof(struct readmit_world),
    .length_us = CHAOS_US + AFTER_US,
    .start = start,
    .check = check,
    .end = end,
};
