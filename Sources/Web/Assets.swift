import CAssets

/// The files in the folder `Assets`. They stand in the program, so nothing has to be installed beside it.
///
/// A new file is added here, in `CAssets.h` and in `CAssets.c`.
enum Assets {
    static var busuanzi: [UInt8] { bytes(ca_busuanzi_js) }
    static var dashboardChart: [UInt8] { bytes(ca_dashboard_chart_js) }
    static var dashboardOverview: [UInt8] { bytes(ca_dashboard_overview_js) }
    static var dashboardSite: [UInt8] { bytes(ca_dashboard_site_js) }
    static var dashboardWords: [UInt8] { bytes(ca_dashboard_words_js) }
    static var dashboardStyle: [UInt8] { bytes(ca_dashboard_css) }
    static var widget: [UInt8] { bytes(ca_footfall_js) }
    static var labels: [UInt8] { bytes(ca_labels_json) }
    static var openAPI: [UInt8] { bytes(ca_openapi_json) }

    private static func bytes(_ name: ca_name) -> [UInt8] {
        // The memory is constant, and no file is empty.
        let file = unsafe ca_find(name)
        return unsafe Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
    }
}
