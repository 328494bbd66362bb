import Foundation
import Support

/// A headless Chromium with one page, driven over its DevTools protocol: JSON messages that end with a zero byte, on
/// two pipes.
actor Browser {
    /// What a test of the page throws.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Chromium under one of its names; nil if it is not installed.
    static let executable: String? = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let names = ["chromium", "chromium-browser", "google-chrome"]
        return names.flatMap { name in folders.map { "\($0)/\(name)" } }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    private let process: Process
    private let input: FileHandle
    private var session: String?
    private var lastID = 0
    private var waiting: [Int: CheckedContinuation<JSON, any Error>] = [:]
    private var buffer: [UInt8] = []
    private var hasEnded = false
    /// Errors and warnings of the page: of its scripts, of its console, of what it loads.
    private(set) var problems: [String] = []
    /// The addresses that the page asked for.
    private(set) var requests: [String] = []

    /// Runs `body` with a browser whose profile is in `folder`. The browser ends with it, also when the test is
    /// cancelled.
    static func run(
        in folder: URL, _ body: (Browser) async throws -> Void
    ) async throws {
        guard let executable else { throw Failure(description: "Chromium is not installed") }
        let (process, input, output) = (Process(), Pipe(), Pipe())
        let (bytes, received) = AsyncStream<Data>.makeStream()
        output.fileHandleForReading.readabilityHandler = { handle in
            let data = handle.availableData
            if data.isEmpty {
                handle.readabilityHandler = nil
                received.finish()
            } else {
                received.yield(data)
            }
        }
        // The protocol's pipes are descriptors 3 and 4. There is no sandbox, because root has none; the only page is
        // ours.
        let options = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--remote-debugging-pipe", "--user-data-dir='\(folder.path)/profile'", "about:blank",
        ]
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c", "exec '\(executable)' \(options.joined(separator: " ")) 3<&0 4>&1 </dev/null >/dev/null 2>&1",
        ]
        (process.standardInput, process.standardOutput) = (input, output)
        // A browser that has died is an error of the next command, not the end of the tests.
        signal(SIGPIPE, SIG_IGN)
        try process.run()
        let browser = Browser(process, input: input.fileHandleForWriting)
        let reading = Task {
            for await data in bytes { await browser.receive(data) }
            await browser.end()
        }
        try await withTaskCancellationHandler {
            do {
                try await browser.begin()
                try await body(browser)
            } catch {
                process.terminate()
                await reading.value
                throw error
            }
            process.terminate()
            await reading.value
        } onCancel: {
            process.terminate()
        }
    }

    private init(_ process: Process, input: FileHandle) {
        self.process = process
        self.input = input
    }

    private func begin() async throws {
        let target = try await send("Target.createTarget", ["url": "about:blank"])
        let attached = try await send(
            "Target.attachToTarget", ["targetId": target.member("targetId") ?? nil, "flatten": true])
        session = attached.member("sessionId")?.textValue
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] { try await send("\(domain).enable") }
    }

    // MARK: The protocol

    @discardableResult
    private func send(_ method: String, _ parameters: JSON = [:]) async throws -> JSON {
        guard !hasEnded else { throw Failure(description: "the browser has ended before \(method)") }
        lastID += 1
        var members: [JSON.Member] = [
            .init("id", JSON(lastID)), .init("method", .string(method)), .init("params", parameters),
        ]
        if let session { members.append(.init("sessionId", .string(session))) }
        let id = lastID
        let message = JSON.object(members).text
        return try await withCheckedThrowingContinuation { continuation in
            waiting[id] = continuation
            do {
                try input.write(contentsOf: Data(message.utf8 + [0]))
            } catch {
                waiting.removeValue(forKey: id)?.resume(throwing: error)
            }
        }
    }

    private func receive(_ data: Data) {
        buffer += data
        while let end = buffer.firstIndex(of: 0) {
            let message = Array(buffer[..<end])
            buffer.removeSubrange(...end)
            // Screens and trees may be larger than the server accepts; none of them comes here.
            guard let json = try? JSON.parse(message) else {
                problems.append("a message of the browser that is no JSON")
                continue
            }
            if let id = json.member("id")?.integerValue {
                answer(Int(id), json)
            } else if let method = json.member("method")?.textValue {
                note(method, json.member("params") ?? nil)
            }
        }
    }

    private func answer(_ id: Int, _ message: JSON) {
        let continuation = waiting.removeValue(forKey: id)
        if let error = message.member("error") {
            continuation?.resume(throwing: Failure(description: error.text))
        } else {
            continuation?.resume(returning: message.member("result") ?? [:])
        }
    }

    private func note(_ method: String, _ parameters: JSON) {
        switch method {
        case "Runtime.exceptionThrown", "Log.entryAdded": problems.append("\(method): \(parameters.text)")
        case "Runtime.consoleAPICalled"
        where ["error", "warning", "assert"].contains(parameters.member("type")?.textValue):
            problems.append("\(method): \(parameters.text)")
        case "Network.requestWillBeSent":
            if let address = parameters.member("request")?.member("url")?.textValue { requests.append(address) }
        default: break
        }
    }

    private func end() {
        hasEnded = true
        for continuation in waiting.values {
            continuation.resume(throwing: Failure(description: "the browser has ended"))
        }
        waiting = [:]
    }

    // MARK: The page

    /// Opens an address, also the one that is open, and waits until the page has loaded.
    func open(_ address: String) async throws {
        try await send("Page.navigate", ["url": .string(address)])
        try await evaluate(
            """
            new Promise((resolve) => {
                if (document.readyState === "complete") { resolve(); } else { addEventListener("load", resolve); }
            })
            """)
    }

    /// Loads the page anew.
    func reload() async throws {
        guard let address = try await evaluate("location.href").textValue else { return }
        try await open("about:blank")
        try await open(address)
    }

    /// The size of the window, and whether it is dark.
    func look(width: Int, height: Int, isDark: Bool = false) async throws {
        try await send(
            "Emulation.setDeviceMetricsOverride",
            ["width": JSON(width), "height": JSON(height), "deviceScaleFactor": 1, "mobile": false])
        let scheme: JSON = ["name": "prefers-color-scheme", "value": isDark ? "dark" : "light"]
        try await send("Emulation.setEmulatedMedia", ["features": [scheme]])
    }

    /// The value of a script; a promise is awaited.
    @discardableResult
    func evaluate(_ script: String) async throws -> JSON {
        let reply = try await send(
            "Runtime.evaluate", ["expression": .string(script), "awaitPromise": true, "returnByValue": true])
        if let exception = reply.member("exceptionDetails") {
            throw Failure(
                description: exception.member("exception")?.member("description")?.textValue ?? exception.text)
        }
        return reply.member("result")?.member("value") ?? nil
    }

    /// Waits until a condition holds, which is asked again after each change of the page. Returns its value.
    @discardableResult
    func wait(until condition: String) async throws -> JSON {
        try await evaluate(
            """
            new Promise((resolve) => {
                const check = () => {
                    const value = (\(condition));
                    if (value) {
                        observer.disconnect();
                        resolve(value);
                    }
                };
                const observer = new MutationObserver(check);
                observer.observe(
                    document, {subtree: true, childList: true, characterData: true, attributes: true});
                check();
            })
            """)
    }

    /// Presses the middle of the first element that the selector finds, as a person does with a pointer.
    func click(_ selector: String) async throws {
        let point = try await evaluate(
            """
            (() => {
                const element = document.querySelector('\(selector)');
                if (!element) { throw new Error('nothing matches \(selector)'); }
                element.scrollIntoView({block: "center", behavior: "instant"});
                const {x, y, width, height} = element.getBoundingClientRect();
                const [middle, center] = [x + width / 2, y + height / 2];
                const hit = document.elementFromPoint(middle, center);
                if (!element.contains(hit)) { throw new Error('\(selector) lies under ' + hit?.outerHTML); }
                return {x: middle, y: center};
            })()
            """)
        for type in ["mousePressed", "mouseReleased"] {
            try await send(
                "Input.dispatchMouseEvent",
                [
                    "type": .string(type), "x": point.member("x") ?? 0, "y": point.member("y") ?? 0, "button": "left",
                    "clickCount": 1,
                ])
        }
    }

    /// Presses a key.
    func press(_ key: String) async throws {
        let text = key.count == 1 ? key : key == "Enter" ? "\r" : nil
        let codes = ["Tab": 9, "Enter": 13, "Escape": 27]
        for type in ["keyDown", "keyUp"] {
            var members: [JSON.Member] = [
                .init("type", .string(type)), .init("key", .string(key)),
                .init("windowsVirtualKeyCode", JSON(codes[key] ?? 0)),
            ]
            if let text, type == "keyDown" { members.append(.init("text", .string(text))) }
            try await send("Input.dispatchKeyEvent", .object(members))
        }
    }

    /// Types into the element that has the focus.
    func type(_ text: String) async throws {
        try await send("Input.insertText", ["text": .string(text)])
    }

    /// Controls that a screen reader would announce without a name.
    func unnamedControls() async throws -> [String] {
        let controls = ["button", "textbox", "combobox", "checkbox", "link", "tab", "spinbutton", "img", "dialog"]
        let tree = try await send("Accessibility.getFullAXTree")
        return tree.member("nodes")?.items.compactMap { node in
            guard node.member("ignored") != true, let role = node.member("role")?.member("value")?.textValue,
                controls.contains(role),
                (node.member("name")?.member("value")?.textValue ?? "").isEmpty
            else { return nil }
            return node.text
        } ?? []
    }
}

extension JSON {
    /// A member of an object; nil if there is none.
    func member(_ name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The text of a string; nil for other values.
    var textValue: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The elements of an array; none for other values.
    var items: [JSON] {
        if case .array(let elements) = self { elements } else { [] }
    }
}
