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
static const uint8_t snippetApache[] = {
#embed "../footfall/Snippets/apache.conf"
};
static const uint8_t snippetBash[] = {
#embed "../footfall/Snippets/bash.sh"
};
static const uint8_t snippetCaddy[] = {
#embed "../footfall/Snippets/Caddyfile"
};
static const uint8_t snippetCsharp[] = {
#embed "../footfall/Snippets/csharp.cs"
};
static const uint8_t snippetGo[] = {
#embed "../footfall/Snippets/go.go"
};
static const uint8_t snippetHaproxy[] = {
#embed "../footfall/Snippets/haproxy.cfg"
};
static const uint8_t snippetJava[] = {
#embed "../footfall/Snippets/java.java"
};
static const uint8_t snippetLighttpd[] = {
#embed "../footfall/Snippets/lighttpd.conf"
};
static const uint8_t snippetNginx[] = {
#embed "../footfall/Snippets/nginx.conf"
};
static const uint8_t snippetNode[] = {
#embed "../footfall/Snippets/node.js"
};
static const uint8_t snippetPerl[] = {
#embed "../footfall/Snippets/perl.pl"
};
static const uint8_t snippetPhp[] = {
#embed "../footfall/Snippets/php.php"
};
static const uint8_t snippetPython[] = {
#embed "../footfall/Snippets/python.py"
};
static const uint8_t snippetRsyslog[] = {
#embed "../footfall/Snippets/rsyslog.conf"
};
static const uint8_t snippetRuby[] = {
#embed "../footfall/Snippets/ruby.rb"
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
    [ResourceSnippetApache] = FILE(snippetApache),
    [ResourceSnippetBash] = FILE(snippetBash),
    [ResourceSnippetCaddy] = FILE(snippetCaddy),
    [ResourceSnippetCsharp] = FILE(snippetCsharp),
    [ResourceSnippetGo] = FILE(snippetGo),
    [ResourceSnippetHaproxy] = FILE(snippetHaproxy),
    [ResourceSnippetJava] = FILE(snippetJava),
    [ResourceSnippetLighttpd] = FILE(snippetLighttpd),
    [ResourceSnippetNginx] = FILE(snippetNginx),
    [ResourceSnippetNode] = FILE(snippetNode),
    [ResourceSnippetPerl] = FILE(snippetPerl),
    [ResourceSnippetPhp] = FILE(snippetPhp),
    [ResourceSnippetPython] = FILE(snippetPython),
    [ResourceSnippetRsyslog] = FILE(snippetRsyslog),
    [ResourceSnippetRuby] = FILE(snippetRuby),
};

int32_t cr_size(Resource file) { return files[file].size; }
uint8_t cr_byte(Resource file, int32_t place) { return files[file].bytes[place]; }
