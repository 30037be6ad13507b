#pragma once
#include <stdint.h>

/// The files that are part of the program: the lists of Wire, what pages load from Web, and the snippets of the command. A
/// new one is added here and in CResources.c.
typedef enum __attribute__((enum_extensibility(closed))) Resource : int32_t {
    // Sources/Wire/Lists
    ResourceAgents,
    ResourceCrawlers,
    ResourcePhones,
    ResourceReferrerSpam,
    // Sources/Web/Assets
    ResourceBusuanzi,
    ResourceDashboardChart,
    ResourceDashboardOverview,
    ResourceDashboardSite,
    ResourceDashboardStyle,
    ResourceDashboardWords,
    ResourceLabels,
    ResourceOpenAPI,
    ResourceWidget,
    // Sources/footfall/Snippets
    ResourceSnippetApache,
    ResourceSnippetBash,
    ResourceSnippetCaddy,
    ResourceSnippetCsharp,
    ResourceSnippetGo,
    ResourceSnippetHaproxy,
    ResourceSnippetJava,
    ResourceSnippetLighttpd,
    ResourceSnippetNginx,
    ResourceSnippetNode,
    ResourceSnippetPerl,
    ResourceSnippetPhp,
    ResourceSnippetPython,
    ResourceSnippetRsyslog,
    ResourceSnippetRuby,
} Resource;

/// How many bytes a file has.
int32_t cr_size(Resource file);
/// One of them.
uint8_t cr_byte(Resource file, int32_t place);
