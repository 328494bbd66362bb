import Support

/// The formats that are enforced, as regular expressions. Some texts of a format are left out where a pattern for all
/// would be long: dates are real ones, apart from February 29.
enum SchemaFormat {
    private static let days =
        "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))"
    private static let date = "(?:19|20)\\d\\d-" + days
    private static let clock = "(?:[01]\\d|2[0-3]):[0-5]\\d"
    private static let time = clock + ":[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-]" + clock + ")"
    private static let octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
    private static let hextet = "[0-9a-f]{1,4}"
    private static let label = "[A-Za-z0-9]{1,16}(?:-[A-Za-z0-9]{1,16}){0,2}"
    private static let host = "(?:\(label)\\.){1,4}[A-Za-z]{2,12}"
    private static let word = "[A-Za-z0-9_+-]{1,32}"

    private static let sources: [String: String] = [
        "date": date, "time": time, "date-time": date + "T" + time,
        "duration": "P(?:\\d{1,4}[YMWD]|T\\d{1,4}[HMS])",
        "uuid": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "email": word + "(?:\\." + word + "){0,3}@" + host,
        "hostname": "\(label)(?:\\.\(label)){0,4}",
        "ipv4": octet + "(?:\\." + octet + "){3}",
        "ipv6": "(?:\(hextet):){7}\(hextet)|::(?:\(hextet)(?::\(hextet)){0,5})?",
        "uri": "https?://" + host + "(?::[1-9]\\d{1,3})?(?:/[A-Za-z0-9_~.-]{0,64}){0,8}(?:\\?[A-Za-z0-9_=&.-]{0,128})?",
        "byte": "(?:[A-Za-z0-9+/]{4}){0,64}(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?",
    ]

    private static let patterns = sources.compactMapValues { try? RegexParser.whole($0, WorkBudget()) }

    /// Adds a format to the schema.
    static func apply(
        _ value: JSON, path: String, to schema: inout Schema, _ work: WorkBudget
    ) throws(GrammarError) {
        guard case .string(let name) = value else { throw GrammarError("format must be a string", path: path) }
        switch name {
        // How a string is shown or sent, not which strings fit.
        case "password", "binary": return
        case "int64", "float", "double": return
        case "int32":
            let bounds = [("minimum", JSON.integer(-1 << 31)), ("maximum", JSON.integer(1 << 31 - 1))]
            var keywords = SchemaKeywords(bounds.map { JSON.Member($0, $1) }, path: path, work: work)
            try keywords.apply(to: &schema)
        default:
            guard let pattern = patterns[name] else {
                throw GrammarError("the format \(name.prefix(64)) is not supported", path: path)
            }
            schema.patterns.append((pattern, path))
        }
    }
}
