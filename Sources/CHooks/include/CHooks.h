#pragma once
#include <stdbool.h>
#include <stdint.h>

/// What a daemon for tests can be told by its environment. This is all that tells it from one for use, in which each of
/// these functions gives a constant and no variable is read.

/// The environment is listened to.
bool ch_are_built_in(void);
/// `FOOTFALL_CRASH=POINT:N` asks for an end when the point is reached for the Nth time, and this is that time.
bool ch_is_due(int32_t point);
/// Ends the process as `kill -9` would.
void ch_die(void);
/// How long a day is by `FOOTFALL_DAY_SECONDS`; 0 where days are as long as everywhere.
int64_t ch_day_seconds(void);
