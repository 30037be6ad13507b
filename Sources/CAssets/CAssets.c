#include "CAssets.h"

// SwiftPM's own way to embed a file is an array literal, which costs the Swift compiler 0.2 ms a byte.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char busuanzi_js[] = {
#embed "../Web/Assets/busuanzi.js"
};
static const unsigned char dashboard_chart_js[] = {
#embed "../Web/Assets/dashboard-chart.js"
};
static const unsigned char dashboard_overview_js[] = {
#embed "../Web/Assets/dashboard-overview.js"
};
static const unsigned char dashboard_site_js[] = {
#embed "../Web/Assets/dashboard-site.js"
};
static const unsigned char dashboard_words_js[] = {
#embed "../Web/Assets/dashboard-words.js"
};
static const unsigned char dashboard_css[] = {
#embed "../Web/Assets/dashboard.css"
};
static const unsigned char footfall_js[] = {
#embed "../Web/Assets/footfall.js"
};
static const unsigned char labels_json[] = {
#embed "../Web/Assets/labels.json"
};
static const unsigned char openapi_json[] = {
#embed "../Web/Assets/openapi.json"
};

#define CA_FILE(name) [ca_##name] = {name, sizeof name}

static const struct ca_file files[] = {
    CA_FILE(busuanzi_js),
    CA_FILE(dashboard_chart_js),
    CA_FILE(dashboard_overview_js),
    CA_FILE(dashboard_site_js),
    CA_FILE(dashboard_words_js),
    CA_FILE(dashboard_css),
    CA_FILE(footfall_js),
    CA_FILE(labels_json),
    CA_FILE(openapi_json),
};

struct ca_file ca_find(enum ca_name name) { return files[name]; }
