#pragma once
#include <stdbool.h>
#include <stdint.h>

/// What the environment can tell a daemon that is built for tests. This is the only difference from a release build,
/// where each of these functions returns a constant and no variable is read.

/// True if the environment is read.
bool ch_are_built_in(void);
/// True if `FOOTFALL_CRASH=POINT:N` asks to end the process when the point is reached for the Nth time, and this is
/// that time.
bool ch_is_due(int32_t point);
/// Ends the process as `kill -9` would.
void ch_die(void);
/// The length of a day by `FOOTFALL_DAY_SECONDS`; 0 if days have their usual length.
int64_t ch_day_seconds(void);
