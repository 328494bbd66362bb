import Support
import Tokenizers

/// OpenAI's format for vision fine-tuning: a line is `{"messages": [{"role", "content"}]}`, where content is a text or
/// parts of type `text` and `image_url` (platform.openai.com/docs/guides/vision-fine-tuning).
///
/// An assistant's turn with `"weight": 0` is shown and not learned. TRL's conversations have the same messages, with
/// placeholders `{"type": "image"}` for the images that the field `images` lists.
enum OwnOpenAIFormat {
    static func examples(
        _ fields: inout OwnFields, source: OwnExample.Source, images: inout OwnImageReader
    ) throws(OwnFieldFault) -> [OwnExample] {
        guard let messages = try fields.array("messages") else {
            throw OwnFieldFault("messages: expected an array of turns")
        }
        var reader = OwnTurnReader()
        reader.listed = try OwnTRLFormat.listed(&fields, images: &images)
        let split = try fields.split()
        try fields.finish()
        try reader.read(messages, field: "messages", roles: [.system, .user, .assistant], images: &images)
        try reader.finish()
        return try reader.dialogue.examples(split: split, source: source, field: "messages")
    }
}
