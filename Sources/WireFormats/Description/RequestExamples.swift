public import Support

// Each list leads its decoder down every way: a field that none of them has would be described without what is in it.

private let image: JSON = "data:image/png;base64,iVBORw0KGgo="
private let schema: JSON = ["type": "object", "properties": ["city": ["type": "string"]], "required": ["city"]]

/// Messages in OpenAI's format with every kind of content.
private let dialogue: JSON = [
    ["role": "system", "content": "Answer in one sentence."],
    [
        "role": "user",
        "content": [
            ["type": "image_url", "image_url": ["url": image, "detail": "auto"]],
            ["type": "image_url", "image_url": ["file_id": "file-1"]], ["type": "text", "text": "What is this?"],
        ],
    ],
]

extension AskRequest {
    /// Bodies of every kind.
    public static var examples: [JSON] {
        [
            ["question": "What is a lighthouse?"],
            [
                "question": "What is this?", "images": [image], "model": "ppo", "system": "Be short.", "detail": "auto",
                "stop": ["\n"], "best_of": 4, "scores": true,
            ], ["question": "What?", "stop": "\n", "regex": "yes|no"],
            ["question": "What?", "response_format": ["type": "json_object"]],
        ]
    }
}

extension ChatCompletionRequest {
    /// Bodies of every kind.
    public static var examples: [JSON] {
        [
            ["model": "ppo", "messages": [["role": "user", "content": "What is a lighthouse?"]]],
            [
                "model": "ppo", "messages": dialogue, "stop": ["\n"], "stop_token_ids": [2], "logit_bias": ["5": -1],
                "metadata": ["team": "a"], "stream": true, "stream_options": ["include_usage": true],
                "tools": [
                    ["type": "function", "function": ["name": "look", "description": "Looks.", "parameters": schema]]
                ],
                "tool_choice": ["type": "function", "function": ["name": "look"]],
            ],
            [
                "model": "ppo",
                "messages": [
                    ["role": "user", "content": "hi"],
                    [
                        "role": "assistant",
                        "tool_calls": [
                            [
                                "id": "call_1", "type": "function",
                                "function": ["name": "look", "arguments": "{}"],
                            ]
                        ],
                    ], ["role": "tool", "tool_call_id": "call_1", "content": "seen"],
                ], "stop": "\n", "tool_choice": "auto",
                "response_format": ["type": "json_schema", "json_schema": ["name": "place", "schema": schema]],
            ],
            ["model": "ppo", "messages": dialogue, "response_format": ["type": "json_object"]],
        ]
    }
}

extension CompletionRequest {
    /// Bodies of every kind.
    public static var examples: [JSON] {
        [
            ["model": "base", "prompt": "The sea is", "max_tokens": 16],
            ["model": "base", "prompt": ["a", "b"], "stop": ["\n"], "logit_bias": ["5": -1], "stop_token_ids": [2]],
            ["model": "base", "prompt": [5, 6], "stop": "\n", "metadata": ["team": "a"]],
            ["model": "base", "prompt": [[5, 6], [7]], "stream": true, "stream_options": ["include_usage": true]],
            ["model": "base", "prompt": "a", "response_format": ["type": "json_object"]],
            [
                "model": "base", "prompt": "a",
                "response_format": ["type": "json_schema", "json_schema": ["name": "place", "schema": schema]],
            ],
        ]
    }
}

extension ResponsesRequest {
    /// Bodies of every kind.
    public static var examples: [JSON] {
        [
            ["model": "ppo", "input": "What is a lighthouse?"],
            [
                "model": "ppo",
                "input": [
                    [
                        "type": "message", "role": "user",
                        "content": [
                            ["type": "input_image", "image_url": image, "detail": "auto"],
                            ["type": "input_text", "text": "What is this?"],
                        ],
                    ],
                    [
                        "type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
                        "content": [["type": "output_text", "text": "A boat.", "annotations": [], "logprobs": []]],
                    ], ["role": "user", "content": "And this?"],
                    ["type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"],
                    ["type": "function_call_output", "call_id": "call_1", "output": "seen"],
                    ["type": "function_call", "call_id": "call_2", "name": "look", "arguments": "{}"],
                    [
                        "type": "function_call_output", "call_id": "call_2",
                        "output": [["type": "input_image", "file_id": "file-1"]],
                    ],
                ],
                "tools": [["type": "function", "name": "look", "description": "Looks.", "parameters": schema]],
                "tool_choice": ["type": "function", "name": "look"], "metadata": ["team": "a"],
                "include": ["message.output_text.logprobs"], "stop": ["\n"], "stream": true,
                "stream_options": ["include_usage": true], "reasoning": ["effort": "none"],
                "text": ["format": ["type": "json_schema", "name": "place", "schema": schema]],
            ],
            [
                "model": "ppo", "input": [["role": "assistant", "content": [["type": "refusal", "refusal": "No."]]]],
                "stop": "\n", "tool_choice": "auto", "text": ["format": ["type": "text"]],
            ],
        ]
    }
}

extension MessagesRequest {
    /// Bodies of every kind.
    public static var examples: [JSON] { examples(for: .answer) }

    /// Bodies for each of the two routes.
    static func examples(for purpose: Purpose) -> [JSON] {
        let bodies: [JSON] = [
            ["model": "ppo", "messages": [["role": "user", "content": "What is a lighthouse?"]]],
            [
                "model": "ppo",
                "system": [["type": "text", "text": "Be short.", "cache_control": ["type": "ephemeral"]]],
                "messages": [
                    [
                        "role": "user",
                        "content": [
                            [
                                "type": "image",
                                "source": ["type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="],
                            ], ["type": "image", "source": ["type": "file", "file_id": "file-1"]],
                            ["type": "text", "text": "What is this?"],
                        ],
                    ],
                    [
                        "role": "assistant",
                        "content": [
                            [
                                "type": "tool_use", "id": "toolu_1", "name": "look", "input": [:],
                                "caller": ["type": "direct"],
                            ],
                            ["type": "tool_use", "id": "toolu_2", "name": "look", "input": [:]],
                        ],
                    ],
                    [
                        "role": "user",
                        "content": [
                            ["type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"],
                            [
                                "type": "tool_result", "tool_use_id": "toolu_2",
                                "content": [["type": "text", "text": "seen"]], "is_error": false,
                            ],
                        ],
                    ],
                ], "tools": [["name": "look", "description": "Looks.", "input_schema": schema]],
                "tool_choice": ["type": "tool", "name": "look"], "thinking": ["type": "disabled"],
                "cache_control": ["type": "ephemeral"],
                "output_config": ["format": ["type": "json_schema", "schema": schema]],
            ], ["model": "ppo", "system": "Be short.", "messages": [["role": "user", "content": "hi"]]],
            [
                "model": "ppo", "messages": [["role": "user", "content": "hi"]],
                "tools": [["name": "look", "input_schema": schema]], "tool_choice": ["type": "auto"],
            ],
        ]
        guard purpose == .answer else { return bodies }
        let more: JSON = ["max_tokens": 64, "stop_sequences": ["\n"], "metadata": ["user_id": "a"]]
        return bodies.map { JSON.joined($0, more) }
    }

    /// The description of a route's body.
    public static func description(for purpose: Purpose) throws(APIError) -> BodyDescription {
        try BodyDescription(examples(for: purpose)) { fields throws(APIError) in _ = try Self(&fields, for: purpose) }
    }
}

extension EmbeddingsRequest {
    /// Bodies of every kind.
    public static var examples: [JSON] {
        [
            ["model": "ppo", "input": "The sea is blue."], ["model": "ppo", "input": ["a", "b"]],
            ["model": "ppo", "input": [5, 6]], ["model": "ppo", "input": [[5, 6], [7]]],
            ["model": "ppo", "input": [["type": "image_url", "image_url": ["url": image, "detail": "low"]]]],
            [
                "model": "ppo",
                "input": [["type": "image_url", "image_url": ["file_id": "file-1"]], ["type": "text", "text": "a"]],
            ],
        ]
    }
}

extension TokenizeRequest {
    /// Bodies of every kind.
    public static var examples: [JSON] {
        [["prompt": "The sea is blue."], ["content": "a"], ["messages": [["role": "user", "content": "hi"]]]]
    }
}

extension DetokenizeRequest {
    /// Bodies of every kind.
    public static var examples: [JSON] { [["tokens": [5, 6]]] }
}

extension DecisionRequest {
    /// Bodies of every kind.
    public static var examples: [JSON] {
        [
            ["question": "Is the sea blue?", "kind": "yes_no"],
            ["question": "What colour?", "images": [image], "kind": "choice", "choices": ["red", "blue"]],
            ["messages": [["role": "user", "content": "How good?"]], "kind": "score", "range": [0, 10]],
        ]
    }
}

extension RankingRequest {
    /// The description of a route's body.
    public static func description(for purpose: Purpose) throws(APIError) -> BodyDescription {
        let examples: [JSON] = [
            ["query": "What is a lighthouse?", "documents": ["A tower with a light.", "A small boat."]],
            [
                "query": "What is red?",
                "documents": [
                    ["type": "text", "text": "A boat."], ["type": "image_url", "image_url": ["url": image]],
                    ["type": "image_url", "image_url": ["file_id": "file-1", "detail": "low"]],
                ],
            ],
        ]
        return try BodyDescription(examples) { fields throws(APIError) in _ = try Self(&fields, for: purpose) }
    }
}

extension RewardRequest {
    /// Bodies of every kind.
    public static var examples: [JSON] {
        [
            ["question": "What is a lighthouse?", "answers": ["A tower with a light.", "A boat."]],
            ["question": "What is this?", "images": [image], "detail": "auto", "answers": ["a"]],
            ["messages": [["role": "user", "content": "hi"]], "answers": ["a"]],
        ]
    }
}

extension ComparisonRequest {
    /// Bodies of every kind.
    public static var examples: [JSON] {
        [
            ["question": "What is a lighthouse?", "k": 2],
            ["question": "What is this?", "images": [image], "detail": "auto", "models": ["sft", "ppo"]],
            ["messages": [["role": "user", "content": "hi"]]],
        ]
    }
}

extension NextComparisonRequest {
    /// Bodies of every kind.
    public static var examples: [JSON] { [["labeler": "anna"], ["models": ["sft"]]] }
}

extension FeedbackRequest {
    /// Bodies of every kind.
    public static var examples: [JSON] {
        [
            [
                "comparison_id": "cmp_1", "ranking": [["cand_1"], ["cand_2", "cand_3"]], "flags": ["cand_2": ["wrong"]],
            ],
            ["comparison_id": "cmp_1", "skip": true],
            ["thumb": "up", "question": "What?", "images": [image], "answer": "A boat."],
            ["thumb": "down", "messages": [["role": "user", "content": "hi"]], "answer": "A boat."],
        ]
    }
}

extension ModelChange {
    /// Bodies of every kind.
    public static var examples: [JSON] { [["name": "eyes", "loaded": false]] }
}

extension PolicyPublication {
    /// Bodies of every kind.
    public static var examples: [JSON] { [["name": "ppo", "generation": 7]] }
}
