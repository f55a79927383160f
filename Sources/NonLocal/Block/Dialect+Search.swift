/// A block found in a file: under which prefix, in which dialect.
struct BlockPlace {
    var names: DialectNames
    /// With its separator.
    var prefix: String
    /// The keys of its weights that the file has.
    var keys: Set<String>
    /// A key that it lacks; none if it is complete.
    var missing: String?
}

extension DialectNames {
    /// The dialects to look for: all of them, or those of one name.
    static func candidates(_ dialect: Dialect) -> [DialectNames] {
        dialect == .automatic ? all : all.filter { $0.dialect == dialect }
    }

    /// The block under a prefix, complete or not.
    func place(at prefix: String, in tensors: SafeTensors) -> BlockPlace {
        var place = BlockPlace(names: self, prefix: prefix, keys: [], missing: nil)
        func has(_ name: String) -> Bool {
            guard tensors[prefix + name] != nil else { return false }
            place.keys.insert(prefix + name)
            return true
        }
        func require(_ names: [String]) {
            let found = names.filter { has($0) }
            if found.isEmpty, let wanted = names.last, place.missing == nil {
                place.missing = prefix + wanted
            }
        }
        require(g.map { $0.name + weight })
        require(output.map { $0.name + weight })
        let thetaKey = theta.name + weight
        let phiKeys = phi.map { $0.name + weight }
        if phiKeys.contains(where: has) { require([thetaKey]) }
        if has(thetaKey) { require(phiKeys) }
        if let groupNorm {
            require([groupNorm + ".weight"])
            require([groupNorm + ".bias"])
        }
        for name in optionalNames { _ = has(name) }
        return place
    }

    private var optionalNames: [String] {
        let biases = ([theta] + phi + g + output + pairwise).map { $0.name + bias }
        let norm = batchNorm.map { norm in
            [norm.scale, norm.shift, norm.mean, norm.variance].map { norm.stem + $0 }
        }
        return biases + pairwise.map { $0.name + weight } + (norm ?? [])
    }

    /// The prefixes under which a file has something that this dialect would call a projection.
    func prefixes(in tensors: SafeTensors) -> Set<String> {
        let names = ([theta] + phi + g + output).map { Array(($0.name + weight).utf8) }
        let separator = Array(separator.utf8)
        var prefixes: Set<String> = []
        for key in tensors.names {
            for name in names
            where key.utf8.count >= name.count && key.utf8.suffix(name.count).elementsEqual(name) {
                let prefix = key.utf8.dropLast(name.count)
                if prefix.isEmpty || prefix.suffix(separator.count).elementsEqual(separator) {
                    prefixes.insert(String(Substring(prefix)))
                }
            }
        }
        return prefixes
    }

    /// The prefix as the user means it, with the separator that may be missing.
    func completed(_ prefix: String) -> String {
        prefix.isEmpty || prefix.hasSuffix(separator) ? prefix : prefix + separator
    }
}

/// Finds the one block that is meant.
///
/// - Throws: ``NonLocalError/Code/missingKey`` if there is none, naming what the closest lacks;
///   ``NonLocalError/Code/ambiguousPrefix`` if there are several.
func findBlock(in tensors: SafeTensors, dialect: Dialect, prefix: String?) throws(NonLocalError) -> BlockPlace
{
    var places: [BlockPlace] = []
    for names in DialectNames.candidates(dialect) {
        let prefixes = prefix.map { [names.completed($0)] } ?? names.prefixes(in: tensors).sorted()
        places += prefixes.map { names.place(at: $0, in: tensors) }
    }
    // Of the dialects that fit under one prefix, the one that knows most of the keys is meant.
    var complete: [String: BlockPlace] = [:]
    for place in places where place.missing == nil {
        if place.keys.count > complete[place.prefix]?.keys.count ?? 0 { complete[place.prefix] = place }
    }
    if complete.count > 1 {
        let found = complete.values.sorted { $0.prefix < $1.prefix }
        throw NonLocalError(
            .ambiguousPrefix, "'\(tensors.path)' holds \(found.count) non-local blocks",
            advice: "Choose a prefix: "
                + listing(found.map { "'\($0.prefix)' (\($0.names.dialect.rawValue))" }) + ".")
    }
    if let place = complete.values.first { return place }

    let has = "The file has the tensors \(listing(tensors.names.sorted()))."
    let closest = places.filter { !$0.keys.isEmpty }.max { $0.keys.count < $1.keys.count }
    guard let closest, let missing = closest.missing else {
        let wanted = prefix.map { " under the prefix '\($0)'" } ?? ""
        let named = dialect == .automatic ? "any known names" : "the names of \(dialect.rawValue)"
        throw NonLocalError(
            .missingKey, "'\(tensors.path)' has no weights of a non-local block by \(named)\(wanted)",
            advice: has)
    }
    throw NonLocalError(
        .missingKey,
        "'\(tensors.path)' lacks '\(missing)' of the \(closest.names.dialect.rawValue) block '\(closest.prefix)'",
        advice: has)
}
