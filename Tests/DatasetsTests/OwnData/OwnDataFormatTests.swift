import Datasets
import Foundation
import Images
import Testing
import Tokenizers

/// Good and bad lines of each format.
@Suite struct OwnDataFormatTests {
    @Test func aLineOfOpenAIsFormatKeepsImagesInPlace() throws {
        try OwnDataFolder.with { folder in
            try folder.images(1)
            let data = try folder.read(
                #"{"messages":[{"role":"system","content":"Be short."},{"role":"user","content":["#
                    + #"{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"0.png"}}]},"#
                    + #"{"role":"assistant","content":"A cat."}]}"# + "\n\n"
                    + #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"#
                    + "\"\(OwnDataFolder.dataURL(7))\"" + #","detail":"auto"}}]}],"split":"test"}"#)
            #expect(data.faults.isEmpty && data.examples.count == 2)
            let first = try #require(data.examples.first)
            #expect(
                first.messages == [
                    ChatMessage(role: .system, text: "Be short."),
                    ChatMessage(role: .user, content: [.text("What is it?"), .image(0)]),
                ])
            #expect(first.answer == "A cat." && first.source.line == 1 && first.showsImageAfterText)
            #expect(first.images.map(\.width) == [4])
            let second = data.examples[1]
            #expect(second.answer == nil && second.split == .test && second.source.line == 3)
            #expect(second.images[0].digest != first.images[0].digest)
        }
    }

    @Test func eachAnswerOfADialogueIsAnExample() throws {
        try OwnDataFolder.with { folder in
            try folder.images(2)
            let data = try folder.read(
                #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"0.png"}},"#
                    + #"{"type":"text","text":"a"}]},{"role":"assistant","content":"one"},"#
                    + #"{"role":"user","content":"b"},{"role":"assistant","content":"two","weight":0},"#
                    + #"{"role":"user","content":[{"type":"image_url","image_url":{"url":"1.png"}}]},"#
                    + #"{"role":"assistant","content":"three"}]}"#)
            #expect(data.examples.map(\.answer) == ["one", "three"])
            #expect(data.examples.map(\.messages.count) == [1, 5])
            #expect(data.examples.map(\.images.count) == [1, 2])
        }
    }

    @Test func aLineOfTRLsFormatTakesTextsAndTurns() throws {
        try OwnDataFolder.with { folder in
            try folder.images(2)
            let bytes = Data(OwnDataFolder.png(9)).base64EncodedString()
            let data = try folder.read(
                #"{"prompt":"What?","completion":"This.","images":["0.png"]}"# + "\n"
                    + #"{"prompt":[{"role":"user","content":"Which?"}],"completion":[{"role":"assistant","content":"#
                    + #"[{"type":"text","text":"That."}]}],"images":[{"path":"1.png"},{"bytes":"\#(bytes)","path":null}]}"#
                    + "\n"
                    + #"{"prompt":[{"role":"user","content":[{"type":"text","text":"Is"},{"type":"image"},"#
                    + #"{"type":"text","text":"it?"}]}],"image":"0.png"}"# + "\n"
                    + #"{"prompt":"<image>\nvs <image>","completion":"No.","images":["0.png","1.png"]}"#)
            #expect(data.faults.isEmpty)
            #expect(
                data.examples.map { $0.messages[0].content } == [
                    [.image(0), .text("What?")], [.image(0), .image(1), .text("Which?")],
                    [.text("Is"), .image(0), .text("it?")], [.image(0), .text("vs"), .image(1)],
                ])
            #expect(data.examples.map(\.answer) == ["This.", "That.", nil, "No."])
        }
    }

    @Test func anArrayOfLLaVAsFormatNamesTheLineOfEachElement() throws {
        try OwnDataFolder.with { folder in
            try folder.images(1)
            let text = """
                [
                  {"id": "1", "image": "0.png", "conversations": [
                    {"from": "human", "value": "<image>\\nWhat?"}, {"from": "gpt", "value": "A ] and \\"}\\"."}]},
                  {"id": 2, "conversations": "none"},
                  {"image": "0.png", "conversations": [{"from": "human", "value": "What?"}]},
                  {"image": "0.png", "conversations": [{"from": "human", "value": "Now? <image>"}]}
                ]
                """
            let data = try folder.read(text, name: "data.json")
            #expect(data.examples.map(\.answer) == ["A ] and \"}\".", nil])
            #expect(data.examples[0].messages == [ChatMessage(role: .user, content: [.image(0), .text("What?")])])
            #expect(data.examples[1].messages == [ChatMessage(role: .user, content: [.text("Now?"), .image(0)])])
            #expect(data.examples.map(\.source.line) == [2, 6])
            #expect(data.faults.map(\.source.line) == [4, 5])
        }
    }

    @Test func aTableMayHaveQuotesAndLineEndsInCells() throws {
        try OwnDataFolder.with { folder in
            try folder.images(2)
            let data = try folder.read(
                "\u{FEFF}image,question,answer,split\r\n0.png,\"What, \"\"exactly\"\",\nis it?\",one,train\r\n"
                    + "1.png,Why?,,\r\n\r\n1.png,\"How?\",\" two \",validation",
                name: "data.csv")
            #expect(data.faults.isEmpty, "\(data.faults)")
            #expect(data.examples.map(\.question) == ["What, \"exactly\",\nis it?", "Why?", "How?"])
            #expect(data.examples.map(\.answer) == ["one", nil, "two"])
            #expect(data.examples.map(\.split) == [.train, nil, .validation])
            #expect(data.examples.map(\.source.line) == [2, 4, 6])
        }
    }

    @Test func aFolderStandsForItsFiles() throws {
        try OwnDataFolder.with { folder in
            try folder.images(1)
            _ = try folder.read("file_name,question,answer\n0.png,a,b\n", name: "metadata.csv")
            _ = try folder.read(#"{"prompt":"c","completion":"d","images":["0.png"]}"#, name: "more.jsonl")
            let data = try OwnData(path: folder.url.path)
            #expect(data.files.count == 2 && data.examples.map(\.question) == ["a", "c"])
            #expect(throws: OwnDataError.self) { try OwnData(path: folder.path("missing")) }
        }
    }

    /// Each with the words that the reason must have.
    @Test(arguments: [
        (#"{"messages":[]}"#, "messages: expected a turn of the user"),
        (#"{"messages":[{"role":"user","content":"a"}],"tools":[]}"#, "tools: this field is not known"),
        (#"{"messages":[{"role":"tool","content":"a"}]}"#, "messages[0].role: expected assistant, system, user"),
        (#"{"messages":[{"role":"assistant","content":"a"}]}"#, "messages[0]: expected a turn of the user"),
        (
            #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":" "}]}"#,
            "messages[1]: the answer is empty"
        ),
        (
            #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a/b.png"}}]}]}"#,
            "messages[0].content[0].image_url.url: https://a/b.png is a web address; download the image"
        ),
        (
            #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"0.png","detail":"low"}}]}]}"#,
            "detail: images are trained on with auto"
        ),
        (
            #"{"messages":[{"role":"user","content":[{"type":"input_audio"}]}]}"#,
            "messages[0].content[0].type: expected text, image_url or image, found input_audio"
        ),
        (
            #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","weight":0}]}"#,
            "every answer has the weight 0"
        ),
        (#"{"prompt":"a","images":["../0.png"]}"#, "images[0]: ../0.png: expected a path below the folder"),
        (#"{"prompt":"a","images":["/etc/passwd"]}"#, "images[0]: /etc/passwd: expected a path below"),
        (#"{"prompt":"a","images":["link.png"]}"#, "images[0]: link.png: a symbolic link leads out"),
        (#"{"prompt":"a","images":["missing.png"]}"#, "images[0]: missing.png: cannot be read: No such file"),
        (
            #"{"prompt":"a","images":["text.png"]}"#,
            "images[0]: text.png: no image that is known; PNG, JPEG, WebP and GIF are read"
        ),
        (#"{"prompt":"a","images":["cut.png"]}"#, "images[0]: cut.png: corrupt PNG"),
        (#"{"prompt":"a","images":["folder.png"]}"#, "images[0]: folder.png: cannot be read: it is not a regular file"),
        (#"{"prompt":"a","images":["data:image/png;base64,!"]}"#, "images[0]: this is no base64"),
        (#"{"prompt":"a","images":[7]}"#, "images[0]: expected an object, not an integer"),
        (#"{"prompt":"<image>","images":["0.png","0.png"]}"#, "prompt: 1 times <image>, but images has 2"),
        (#"{"prompt":"a","chosen":"b","rejected":"c"}"#, "apus feedback import --format pairs"),
        (#"{"prompt":"a","completion":[]}"#, "completion: expected one turn of the assistant"),
        (#"{"prompt":"a","split":"dev"}"#, "split: expected train, validation or test, found dev"),
        (#"{"conversations":[{"from":"human","value":"<image>"}]}"#, "there is no image for this <image>"),
        (#"{"question":"a"}"#, "expected one of the fields messages, prompt and conversations"),
        (#"{"prompt":"a"#, "no JSON"),
        (#"{"prompt":"a","prompt":"b"}"#, "a name twice"),
        ("[1,2", "an element without end"),
        ("[{}] x", "text behind the array"),
        ("image,answer\n0.png,a\n", "the first row names no column question"),
        ("image;question\n", "the column image;question is not known"),
        ("image,question\n0.png\n", "expected 2 cells, found 1"),
        ("image,question\n0.png,\"a\n", "a quote that is not closed"),
        ("image,question\n0.png,\"a\"b\n", "text behind a closing quote"),
        ("image,question\n0.png,a\"b\n", "a quote inside a cell without quotes"),
        ("image,question\n0.png, \n", "question: the cell is empty"),
        ("image,question\n,a\n", "image: expected the path of an image"),
        ("\n \n", "the file is empty"),
    ])
    func badLinesAreNamed(_ text: String, _ reason: String) throws {
        try OwnDataFolder.with { folder in
            try folder.images(1)
            try folder.file("text.png", bytes: Array("hello".utf8))
            try folder.file("cut.png", bytes: Array(OwnDataFolder.png(0).dropLast(9)))
            try folder.file("folder.png/a", bytes: [])
            try FileManager.default.createSymbolicLink(
                atPath: folder.path("link.png"), withDestinationPath: "/etc/hostname")
            let reasons = try folder.reasons(text)
            #expect(reasons.contains { $0.contains(reason) }, "\(reasons)")
        }
    }

    @Test func aBadLineDoesNotHideTheOthers() throws {
        try OwnDataFolder.with { folder in
            try folder.images(1)
            let good = #"{"prompt":"a","completion":"b","images":["0.png"]}"#
            let data = try folder.read([good, "{", good, #"{"a":1}"#, good].joined(separator: "\n"))
            #expect(data.examples.map(\.source.line) == [1, 3, 5] && data.faults.map(\.source.line) == [2, 4])
            #expect(throws: OwnDataError.self) { try OwnData.examples(at: folder.path("data.jsonl")) }
            let table = try folder.read("image,question\n0.png,\"a\n0.png,b\n", name: "t.csv")
            #expect(table.examples.map(\.question) == ["b"] && table.faults.map(\.source.line) == [2])
        }
    }

    /// Damage at each byte gives faults or other examples, never a trap.
    @Test func damagedFilesAreReadToTheirEnd() throws {
        try OwnDataFolder.with { folder in
            try folder.images(1)
            let texts = [
                #"[{"id":1,"image":"0.png","conversations":[{"from":"human","value":"<image>a"}]},{"x":"\"]"}]"#,
                #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"0.png"}}]}]}"#,
                "image,question,answer\r\n0.png,\"a\"\"b\",c\r\n0.png,d,e\r\n",
            ]
            for text in texts {
                let bytes = Array(text.utf8)
                for index in bytes.indices {
                    try folder.file("cut", bytes: Array(bytes[..<index]))
                    _ = try OwnData(path: folder.path("cut"))
                    for other in [UInt8(ascii: "\""), UInt8(ascii: "]"), 0xFF, 0x0A] {
                        var damaged = bytes
                        damaged[index] = other
                        try folder.file("cut", bytes: damaged)
                        _ = try OwnData(path: folder.path("cut"))
                    }
                }
            }
        }
    }
}
