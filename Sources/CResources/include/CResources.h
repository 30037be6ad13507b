#pragma once
#include <stdint.h>

/// The files that are part of the program.
typedef enum __attribute__((enum_extensibility(closed))) Resource : int32_t {
    ResourceAgents,
    ResourceCrawlers,
    ResourcePhones,
    ResourceReferrerSpam,
} Resource;

/// How many bytes a file has.
int32_t cr_size(Resource file);
/// One of them.
uint8_t cr_byte(Resource file, int32_t place);
