/*
 * scenarios.h: SCENARIO(name): every scenario, `const struct sim_scenario scenario_<name>` in
 * tests/sim/<name>.c.
 */
SCENARIO(ask)
SCENARIO(disk_chaos)
SCENARIO(disk_duel)
SCENARIO(echo)
SCENARIO(election_calm)
SCENARIO(election_chaos)
SCENARIO(election_contest)
SCENARIO(election_cut)
SCENARIO(election_lease)
SCENARIO(epochs_lease)
SCENARIO(lease_calm)
SCENARIO(lease_chaos)
SCENARIO(lease_clocks)
SCENARIO(lease_lost)
SCENARIO(lease_readmit)
SCENARIO(lease_full)
SCENARIO(lease_slow)
SCENARIO(mesh_epochs)
SCENARIO(race_chaos)
SCENARIO(race_load)
