/// The body of `POST /v1/admin/policies`.
public struct PolicyPublication: Sendable, Equatable {
    /// The policy.
    public var name: String
    /// The generation to serve, 1 or more.
    public var generation: Int

    /// Reads a JSON body.
    public init(body: [UInt8]) throws(APIError) {
        var fields = try FieldReader(body: body)
        name = try fields.require(fields.string("name"), "name")
        let number = try fields.require(fields.integer("generation", in: 1...Int64(Int32.max)), "generation")
        generation = Int(number)
        try fields.finish()
    }
}
