import CResources

/// The files in the folder `Assets`. They are part of the program, so nothing has to be installed beside it.
///
/// Add a new file here and in CResources.
enum Assets {
    static var busuanzi: [UInt8] { bytes(.busuanzi) }
    static var dashboardChart: [UInt8] { bytes(.dashboardChart) }
    static var dashboardOverview: [UInt8] { bytes(.dashboardOverview) }
    static var dashboardSite: [UInt8] { bytes(.dashboardSite) }
    static var dashboardWords: [UInt8] { bytes(.dashboardWords) }
    static var dashboardStyle: [UInt8] { bytes(.dashboardStyle) }
    static var widget: [UInt8] { bytes(.widget) }
    static var labels: [UInt8] { bytes(.labels) }
    static var openAPI: [UInt8] { bytes(.openAPI) }

    private static func bytes(_ file: Resource) -> [UInt8] { (0..<cr_size(file)).map { cr_byte(file, $0) } }
}
