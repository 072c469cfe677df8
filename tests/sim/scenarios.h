/*
 * scenarios.h: SCENARIO(name, share): every scenario, `const struct sim_scenario scenario_<name>`
 * in tests/sim/<name>.c. `share`: how many of a thousand asked-for seeds it runs; a slow one fewer.
 */
SCENARIO(ask, 1000)
SCENARIO(echo, 1000)
SCENARIO(election_calm, 1000)
SCENARIO(election_chaos, 1000)
SCENARIO(election_contest, 1000)
SCENARIO(election_cut, 1000)
SCENARIO(election_lease, 1000)
SCENARIO(epochs_lease, 1000)
SCENARIO(lease_calm, 300)
SCENARIO(lease_chaos, 1000)
SCENARIO(lease_clocks, 150)
SCENARIO(lease_lost, 300)
SCENARIO(lease_slow, 500)
SCENARIO(race_chaos, 300)
SCENARIO(race_load, 20)
