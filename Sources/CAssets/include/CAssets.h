#pragma once
#include <stddef.h>

/// The files in Sources/Web/Assets, which stand in the program.
enum ca_name {
    ca_busuanzi_js,
    ca_dashboard_chart_js,
    ca_dashboard_overview_js,
    ca_dashboard_site_js,
    ca_dashboard_words_js,
    ca_dashboard_css,
    ca_footfall_js,
    ca_labels_json,
    ca_openapi_json,
};

struct ca_file {
    const unsigned char *bytes;
    size_t count;
};

struct ca_file ca_find(enum ca_name name);
