/*
 * config_later.h: CONFIG_LATER(path, value): what the design has and this version has not. Refused
 * by these words, so that nobody takes it for a misspelling. value: how the text begins, or "".
 * There is nothing of the kind just now.
 */
