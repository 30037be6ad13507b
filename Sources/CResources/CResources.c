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
static const uint8_t busuanzi[] = {
#embed "../Web/Assets/busuanzi.js"
};
static const uint8_t dashboardChart[] = {
#embed "../Web/Assets/dashboard-chart.js"
};
static const uint8_t dashboardOverview[] = {
#embed "../Web/Assets/dashboard-overview.js"
};
static const uint8_t dashboardSite[] = {
#embed "../Web/Assets/dashboard-site.js"
};
static const uint8_t dashboardStyle[] = {
#embed "../Web/Assets/dashboard.css"
};
static const uint8_t dashboardWords[] = {
#embed "../Web/Assets/dashboard-words.js"
};
static const uint8_t labels[] = {
#embed "../Web/Assets/labels.json"
};
static const uint8_t openAPI[] = {
#embed "../Web/Assets/openapi.json"
};
static const uint8_t widget[] = {
#embed "../Web/Assets/footfall.js"
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
    [ResourceBusuanzi] = FILE(busuanzi),
    [ResourceDashboardChart] = FILE(dashboardChart),
    [ResourceDashboardOverview] = FILE(dashboardOverview),
    [ResourceDashboardSite] = FILE(dashboardSite),
    [ResourceDashboardStyle] = FILE(dashboardStyle),
    [ResourceDashboardWords] = FILE(dashboardWords),
    [ResourceLabels] = FILE(labels),
    [ResourceOpenAPI] = FILE(openAPI),
    [ResourceWidget] = FILE(widget),
};

int32_t cr_size(Resource file) { return files[file].size; }
uint8_t cr_byte(Resource file, int32_t place) { return files[file].bytes[place]; }
