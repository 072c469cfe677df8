/*
 * config_later.h: CONFIG_LATER(path, value): what the design has and this version has not. Refused
 * by these words, so that nobody takes it for a misspelling. value: how the text begins, or "".
 */
CONFIG_LATER("cluster.detect", "")
CONFIG_LATER("cluster.engine", "")
CONFIG_LATER("cluster.lease", "")
CONFIG_LATER("cluster.listen", "")
CONFIG_LATER("cluster.preempt", "")
CONFIG_LATER("cluster.safety", "")
CONFIG_LATER("listeners[].tls", "")
CONFIG_LATER("services[].fence", "")
CONFIG_LATER("services[].session.assign", "master")
CONFIG_LATER("services[].session.assign", "race")
