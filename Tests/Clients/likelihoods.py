"""Compares the log-likelihoods that lm-eval reads from a running server with those of transformers.

    python likelihoods.py --write FOLDER                     # the base model in 32 bits, for `apus serve --weights f32`
    python likelihoods.py http://127.0.0.1:8080 [--model base] [--limit 1e-3] [--pairs 24]

Needs the packages of likelihoods_requirements.txt. The pairs of context and continuation are cut from licences, from
Python's manual and from sentences in many scripts. lm-eval's own `local-completions` sends them and adds up what the
server answers; transformers computes in 32 bits over the weights of the GGUF file. Prints a line for each pair: the
difference of the sums by token, and the greatest difference of one token. Exits 1 if one of the first is above --limit.
"""

import argparse
import os
import sys
from pathlib import Path
from pydoc_data import topics

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.openai_completions import LocalCompletionsAPI
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

sys.path.append(str(Path(__file__).resolve().parent.parent / "Fixtures"))
from make_tokenizer import CODE, SENTENCES

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "apus"
MODEL = CACHE / "SmolLM2-135M-Instruct.Q4_1.gguf"
LICENCES = ["Apache-2.0", "Artistic", "GPL-3", "MPL-2.0"]
TOPICS = ["strings", "while", "operator-summary", "numeric-types", "context-managers"]


def tokenizer():
    """The model's own tokenizer: transformers' loader of GGUF files leaves out that each digit is a word."""
    loaded = AutoTokenizer.from_pretrained(MODEL.parent, gguf_file=MODEL.name)
    loaded.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return loaded


def model():
    return AutoModelForCausalLM.from_pretrained(MODEL.parent, gguf_file=MODEL.name, dtype=torch.float32).eval()


def pairs() -> list[tuple[str, str, str]]:
    """Names, contexts and continuations, short and long."""
    found = []
    for index, name in enumerate(LICENCES):
        text = Path("/usr/share/common-licenses", name).read_text()
        start, length = 700 * (index + 1), 200 << index
        found.append((name, text[start : start + 2 * length], text[start + 2 * length : start + 3 * length]))
    for name in TOPICS:
        text = topics.topics[name]
        found.append((f"topic {name}", text[:400], text[400:600]))
    for line in SENTENCES[3:33:3]:
        middle = line.find(" ", len(line) // 3)
        found.append((line[:12], line[:middle], line[middle:]))
    for text in CODE[:5]:
        middle = len(text) // 2
        found.append((text[:12], text[:middle], text[middle:]))
    return found


class Recorder(LocalCompletionsAPI):
    """lm-eval's client, which also keeps what it parses."""

    def parse_logprobs(self, outputs, tokens=None, ctxlens=None, **kwargs):
        [reply] = outputs if isinstance(outputs, list) else [outputs]
        self.kept = (reply["choices"][0]["logprobs"]["token_logprobs"], ctxlens[0])
        return LocalCompletionsAPI.parse_logprobs(outputs, tokens=tokens, ctxlens=ctxlens, **kwargs)


@torch.no_grad()
def reference(network, ids: list[int], start: int) -> tuple[torch.Tensor, bool]:
    """The log-probability of each token from `start` on, and whether all of them are the likeliest."""
    rows = network(torch.tensor([ids])).logits[0, start - 1 : -1].double().log_softmax(-1)
    targets = torch.tensor(ids[start:])
    return rows.gather(1, targets[:, None])[:, 0], bool((rows.argmax(1) == targets).all())


def compare(url: str, name: str, count: int) -> float:
    network, words = model(), tokenizer()
    client = Recorder(base_url=f"{url}/v1/completions", model=name, tokenizer_backend="remote")
    greatest = single = sums = total = 0.0
    for label, context, continuation in pairs()[:count]:
        [(sum_, greedy)] = client.loglikelihood(
            [Instance("loglikelihood", {}, (context, continuation), 0)], disable_tqdm=True
        )
        head, tail = client._encode_pair(context, continuation)
        first, whole = (words(text)["input_ids"] for text in (context.rstrip(), context + continuation))
        assert (head, tail) == (first, whole[len(first) :]), f"{label}: the tokens differ"
        expected, likeliest = reference(network, head + tail, len(head))
        served, start = client.kept
        assert start == len(head) and abs(sum(served[start:-1]) - sum_) < 1e-9
        gap = abs(sum_ - expected.sum().item()) / len(tail)
        one = (torch.tensor(served[start:-1]).double() - expected).abs().max().item()
        greatest, single = max(greatest, gap), max(single, one)
        sums, total = sums + gap * len(tail), total + len(tail)
        mark = "" if greedy == likeliest else ", the greedy test differs"
        print(
            f"{label!r}: {len(head)} + {len(tail)} tokens, {sum_ / len(tail):.4f} a token: the sum differs by "
            f"{gap:.1e} a token, one token by {one:.1e}{mark}",
            flush=True,
        )
    print(
        f"{int(total)} tokens: the sums of pairs differ by {sums / total:.1e} a token on average and by "
        f"{greatest:.1e} at most; one token by {single:.1e} at most"
    )
    return greatest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?")
    parser.add_argument("--model", default="base")
    parser.add_argument("--limit", type=float, default=1e-3)
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    if options.write:
        network = model()
        # transformers writes no model that it still takes for a quantised one.
        del network.config.quantization_config
        network.hf_quantizer = None
        network.save_pretrained(options.write)
        tokenizer().save_pretrained(options.write)
        return 0
    return 0 if compare(options.url.rstrip("/"), options.model, options.pairs) <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main())
