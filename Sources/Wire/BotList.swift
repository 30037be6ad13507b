/// Words in the agents of programs, made by `Tests/Bots/generate.py` of the list crawler-user-agents, version 1.67.0
/// (https://github.com/monperrus/crawler-user-agents), without those that contain another one or a word of `Bots`.
///
/// The list is under the MIT License, Copyright (c) 2017 Martin Monperrus: the terms are those of the file LICENSE.
enum BotList {
    /// Lower case, parted by `|`; `^` in front of a word: at the beginning only; `$` behind it: at the end only.
    static let words = """
        2ip.ru|7siters|;owler|^bw/|^curl|^lcc|^php-curl-class|a360-search|a6-indexer|aboundex|abuse.xmco.fr|\
        accessstatus|acquia optimize|activecomply|acunetix|adbeat.com|addthis|admantx|adminlabs|adventurer|ahc/|aiohttp|\
        alertsite|alexa site audit|alienfarm|alittle client|allafrica|allorigins|amazon cloudfront|\
        amazon-bedrock-agentcore-browser|amazonbuyforme|amazonproductdiscovery|amazonsellerinitiatedlisting|amzn-user|\
        anchor browser|anomura|anyevent|apercite|appengine-google|appinsights|appsiteassociation|aragog/|aranea|\
        archive-it|archivebox|artemis web reader|asana/|asnriskscorer|attracta|authory|autoconfig test from ustc|\
        automaton|axios|bad neighborhood header detector|baidu-yunguance|barkrowler|bazqux|bdfetch|bestchange|biglotron|\
        bigsur.ai|binarycanary|binlar|bitbucket-webhooks|bitdiscovery|blackboard|blackduck-fd|bling erp|blingerp|\
        blockaid|bloglines|blogtrottr|blogvault|bluesky-domain-status-classifier|brandverity|brandwatch|\
        brokenlinkcheck.com|btwebclient|bubing|buck/|bugsnag|bushbaby|buttondown|bw/|capitaloneshopping|catchpoint|\
        caveman-hunter|cc metadata scaper|centuryb.o.t9|cert pl|certchief|certytags|changedetection|channable|charlotte|\
        checkhost|checkly|checkmarknetwork/|chirp|chrome privacy preserving prefetch proxy|cincraw|cirrusexplorer|\
        citoid|classla-web|clickagy|clickuplinkunfurler|cloudflare-alwaysonline|cloudflare-autorag|cloudflare-csup|\
        cloudflare-healthchecks|cloudflare-prefetch|cloudflare-speedtest|cloudflare-ssldetector|cloudflare-stream-hook|\
        cloudflare-stream-webhook|cloudflare-traffic-manager|cloudtrellis|cludo|cognitiveseo.com|\
        collapsify|collection@infegy.com|colly|contentkingapp|convera|convermax|cookie-maestro|corporama matcher|\
        cotoyogi|crazy egg|criticalcss.com|cron-job.org|cronless|crusty/|csirt.cz|customasynchttpclient|cyberpatrol|\
        cyotekwebcopy|dareboost|dark visitor|datanyze|dataprovider.com|daum/|daumoa|deepnoc|detectify|determ|deusu/|\
        developers.google.com/+/web/snippet|devin|digg deeper|digicert dcv|dirbuster|discourse forum onebox|disqus|dlc/|\
        dlvr.it|dmbrowser|domains project/|download ninja|downnotifier.com|downtimedetector/|drataautopilot|\
        dreamhost data team|drupact|ds9|easybib autocite|easybill-importmanager|easycron/|ec2linkfinder|edgewatch|\
        electricmonk|emoney advisor|erepublik.tools|eright|europarchive.org|evc-batch|exodusmovement|ezgif|ezid|ezlynx|\
        ezooms|facebookcatalog/|fastdast|fastmailua|fedidb|fediindex|fedilist agent|fedineko|fedoraplanet|fetch/|\
        findfiles.net|findlink|findthatfile|firmograph|flamingo_searchengine|flipboardproxy|flipboardrss|fluffy|\
        foregenix|freespoke/|freshrss|friendica|funnelback|g00g1e.net|g2 web services|gdnplus.com|geedoproductsearch|\
        geedoshopproductfinder|genieo|getthit.com|ghost inspector|gigablast|github-camo|globalwebsearch|golfe/|\
        goodreads|goodzer|google favicon|google trust services|googleagent-mariner|googleassociationservice$|\
        googleassociationservice/|googledocs|googleimageproxy|googleproducer|gopay|gotosocial|grouphigh/|\
        grover/|grub.org|gwene|happywing|hardenize|hatena|hello world|heritrix|hetrixtools|hosttracker/|hotjar|\
        http banner detection|http_get|httpunit|httpurlconnection|httpx|httrack|hubspot|hydrozen.io|hype machine/|\
        hypestat|hyscore.io|ichiro|idg/eu|iframely|ifttt/|imagemind|img2dataset|imgproxy/|impact.com agent|indy library|\
        infosifter|innguma/|innologica|inoreader|instapaper/|integromat/|integromedb|internetmeasurement|ips-agent|\
        iskanie|isonai-user|iubenda-radar/|jetmon/|jetslide|jetty|jumio|kaikki.org-digital-archive|keycdn-tools/|\
        keydrop.io|klaviyo/|known agent|l9explore|lac_iaharvester|laion-huggingface-processor|larbin|legalmonster|lemmy|\
        let's encrypt|library of congress web archiving|linkace/|linkdex|linko|linkreader/|linktiger|linkwalker/|\
        lipperhey|loc.gov/programs/web-archiving|loopimprovements.com|ltx71|lwp-trivial|lyonl-asset-proxy|macocu|\
        magellan|magicsearchdev/|magnet.me-web/|magpierss|mail.ru|mailchimp|mainwp/|make/|managewp|manus-user|mappydata|\
        marketgoo/|marketingminer|matchorysearch|mavifinds|mechanize|mediavinemetadataparser/|megaindex|\
        meltwaternews|meta-externalads/|meta-webindexer|metaiab facebook|metainspector|metauri|metorik|miniature.io/|\
        miniflux/|mirrorweb.com|mistralai-user|mixnodecache/|modularconnector/|mollie http client|monitis -|monspark/|\
        montools.com|moreover|muckrack|mxtoolbox|nanointeractive|nbertaupete95|nessus|netapi|netumo|netvibes|netvigie|\
        new york times newsgathering|newrelicsynthetics|newsai/|newsblur|newsharecounts|newsnow/|newspaper/|newsroom.bi|\
        nextcloud|nicheindex|nitro-|nlnz_iaharvester|nlux_iaharvester|nodeping|noibu|nooshub/|novaact/|novellum|\
        nutch|nuzzel|nvdorz|observepoint|odin;|offline explorer|ohdear/|okhttp|omgili|omnisend/|onetrust|\
        online domain tools|opencode-smartfetch|opengraph.io/|opengraphcheck|openrss|openvas|operator/|optimizer)|\
        outcomes.net|overcast/|owler (ows.eu|owler-w|page2rss|pagepeeker/|pagething|pandalytics|panopta|panscient|\
        pcore-http|pdf24 url to pdf|penthouse critical path css generator|perplexityuser|pingadmin.ru/|\
        pingping.io/|pixalate.com|playstore-google|pocketcasts/|pocketparser|podchaserparser|podimo|poggio-citations|\
        postrank|potions/|pr-cy.ru|printfriendly.com|pro-sitemaps/|projectshield-urlcheck|protopage/|proximic|ps_daily/|\
        pulsepoint|pulsetic.com|pwabuilderhttpagent|qualys|readable/|recurly webhooks/|red/|reelevant/|remove.bg/|\
        retool/|retrevopageanalyzer|retrolistecom/|revvimgort/|reward-gateway|rigor)|rivva|rsiteauditor|rss reader|\
        rss-parser|rss.social|rss2tg|rssapi/|ruxitsynthetic|s4a/|salesforce.com|scoop.it/|scope3|scoutjet|scrubby|\
        search.marginalia.nu|searchatlas|searcherweb|searcherxweb|searchexpress|securityheaders|seekport|seewithkids|\
        semantic-visions|sempi.tech|sendgrid event api|sentinel-linkcheck|sentry/|seo4ajax.com|seokicks|seolizer|seolyt|\
        seositecheckup|seostar.co|sequelwp|serverdensity|sfdc-callout/|shopify-captain-hook|shortpixel|silktide|\
        simplepie|sincerasyntheticuser/|sindresorhus/got|sindup|sitebulb|siteexplorer.info|siteimprove.com|sitelock|\
        sitesearch360/|sitesucker|slack-imgproxy|snacktory|snapchatads/|snipcart/|solarwinds/|sora pos/|sottopopnone|\
        sparkpost|sparkshipping|spawning-ai|spectate/|splash version/|splunk|sqwatcher|ssl labs$|stape/|\
        startpageprivateimageproxy/|statistikaustria/|stripe/|sucuri|summify|sv-watchagent|svix-webhooks/|swisscows|\
        synapse|sysomos|tactiscout/|tchelebi/|teoma|termly|terracotta|test certificate info|testlocally/|testuri|\
        textrazor|the knowledge ai|theinternetsearchx|theoldreader.com|thinklab|thousandeyes|tineye|tiny tiny rss|\
        tls tester|traackr.com|tracemyfile|trae/|trafilatura|trellis-services|trendsmapresolver|trentwil.es|trove|\
        trustly/|tsm-turingos|ttd-content|tumblr/|turnitin|tweakers|tweetedtimes|twilioproxy/|twinagent|twingly|twurly|\
        um-fc|um-ic|um-ln|unshorten.it!|upday/|updown.io|upflow|uptimia|uptrends|urlcheckr/|vagabondo/|valve/steam|\
        vaultpress|vercel-screenshot|verity/|vigil/|virustotal|w3c-checklink|w3c-mobileok|w3c_unicorn|watchful|\
        watchmouse|watchtowr|wayback|web measure/|web screen service by hyperhost|webcapture|webceo online/|webcopier|\
        webdatastats|webflow|webmon|websiteops|websitepulse|websniffer/|webzio|webzip|wedos online|wepchsearchengine|\
        wesee:search|wget|whatsapp|whatsmyip.org|whatweb/|wheregoes.com|wheresitup.com/|wikido|wjhro/|wmtips.com/|\
        woorankreview/|wordup-1|wordupinfosearch|workona-favicon-service/|wotbox|wp time capsule|wpmu dev hub|wpsec/|\
        wpumbrella|wsm/|wtotem|xenu link sleuth|xml sitemaps generator|xy-archive-compliance|y!j|yahoocachesystem|\
        yahoomailproxy|yak/|yanga|yeti|ylt chrome|yokoygroupag/|zapier|zendesk webhook|zmeu|zoominfo-|\
        zoterotranslationserver/wmf|zyborg
        """
}
