#include "CResources.h"

// The compiler takes in a file like this a thousand times faster than Swift's compiler takes in an array of its bytes.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t agents[] = {
#embed "../Wire/Lists/agents.txt"
};
static const uint8_t crawlers[] = {
#embed "../Wire/Lists/crawlers.txt"
};
static const uint8_t phones[] = {
#embed "../Wire/Lists/phones.txt"
};
static const uint8_t referrerSpam[] = {
#embed "../Wire/Lists/referrer-spam.txt"
};

#define FILE(name) {name, sizeof name}
static const struct {
    const uint8_t *bytes;
    int32_t size;
} files[] = {
    [ResourceAgents] = FILE(agents),
    [ResourceCrawlers] = FILE(crawlers),
    [ResourcePhones] = FILE(phones),
    [ResourceReferrerSpam] = FILE(referrerSpam),
};

int32_t cr_size(Resource file) { return files[file].size; }
uint8_t cr_byte(Resource file, int32_t place) { return files[file].bytes[place]; }
