/// What the test asks of every state of the page, as scripts that return what is wrong.
enum PageAudit {
    /// Texts whose contrast with what lies below is under 4.5 to 1, and drawings of buttons under 3 to 1 (WCAG 2.2,
    /// 1.4.3 and 1.4.11).
    static let contrast = """
        (() => {
            const parse = (text) => {
                const [red, green, blue, alpha = 1] = text.match(/[0-9.]+/g).map(Number);
                return {channels: [red, green, blue], alpha};
            };
            const ground = (element) => {
                const layers = [];
                for (let at = element; at; at = at.parentElement) {
                    const color = parse(getComputedStyle(at).backgroundColor);
                    layers.unshift(color);
                    if (color.alpha === 1) { break; }
                }
                return layers.reduce(
                    (below, {channels, alpha}) => below.map((value, at) => value * (1 - alpha) + channels[at] * alpha),
                    [255, 255, 255]);
            };
            const luminance = (channels) => {
                const [red, green, blue] = channels.map((value) => {
                    const part = value / 255;
                    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
                });
                return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
            };
            const ratio = (one, other) => {
                const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
                return (light + 0.05) / (dark + 0.05);
            };
            const isSeen = (element) => {
                const {width, height} = element.getBoundingClientRect();
                return width > 1 && height > 1 && element.checkVisibility({visibilityProperty: true})
                    && !element.closest(".visually-hidden");
            };
            const wrong = [];
            let count = 0;
            const check = (element, color, least, what) => {
                if (!isSeen(element)) { return; }
                count += 1;
                const found = ratio(parse(color).channels, ground(element));
                if (found < least) { wrong.push(`${found.toFixed(2)} ${what} in ${element.outerHTML.slice(0, 120)}`); }
            };
            const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (texts.nextNode()) {
                const text = texts.currentNode.data.trim();
                const element = texts.currentNode.parentElement;
                if (text !== "" && element.tagName !== "OPTION") {
                    check(element, getComputedStyle(element).color, 4.5, text);
                }
            }
            for (const field of document.querySelectorAll("input, textarea, select")) {
                check(field, getComputedStyle(field).color, 4.5, field.value);
                if (field.placeholder) {
                    check(field, getComputedStyle(field, "::placeholder").color, 4.5, field.placeholder);
                }
            }
            for (const drawing of document.querySelectorAll("svg")) {
                check(drawing, getComputedStyle(drawing).color, 3, "a drawing");
            }
            return {count, wrong};
        })()
        """

    /// What has the focus: its name, and whether an outline around it or around what stands for it shows that.
    static let focus = """
        (() => {
            const element = document.activeElement;
            if (element === document.body) { return null; }
            const isMarked = (at) => {
                const {outlineStyle, outlineWidth} = getComputedStyle(at);
                return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
            };
            const marks = [element, element.closest("label"), element.closest("form")].filter(Boolean);
            return {name: element.id || element.className || element.outerHTML, isMarked: marks.some(isMarked)};
        })()
        """

    /// Whether nothing is wider than the window.
    static let fits = "document.documentElement.scrollWidth <= innerWidth"

    /// Markdown that wants to become more than text. Returns the tags and the targets of links that it became.
    static let markdown = #"""
        import("/assets/markdown.js").then(({render}) => {
            const hostile = [
                "<script>throw 1</script>", "<img src=x onerror=alert(1)>", "![x](https://example.com/x.png)",
                "[a](javascript:alert(1))", "[a](data:text/html,x)", "[bank](https://example.com/)",
                "[a](https://user@example.com/)", "https://example.com/b, next", "[a](http:// bad)",
                "- [x](JaVaScRiPt:alert(1))", "| [a](vbscript:x) | b |\n|---|---|\n| 1 | <b>2</b> |",
                "> > > > > > > > > > deep", "*".repeat(5000), "[".repeat(5000), "**a *b** c*", "`" + "code",
                "\u202e gnp.exe", "```html\n<script>1</script>\n",
            ].join("\n\n");
            const box = document.createElement("div");
            box.append(render(hostile));
            const tags = [...new Set([...box.querySelectorAll("*")].map(({tagName}) => tagName.toLowerCase()))].sort();
            const links = [...box.querySelectorAll("a")].map((link) => `${link.rel} ${link.textContent} ${link.href}`);
            return {tags, links, text: box.textContent.includes("<script>throw 1</script>")};
        })
        """#

    /// Random steps of ordering answers; returns the first order that lost or doubled one, else the number of steps.
    static let orders = """
        import("/assets/order.js").then((orders) => {
            let state = 1;
            const random = (limit) => {
                state = (state * 48271) % 2147483647;
                return state % limit;
            };
            for (let step = 0, order = orders.newOrder(["a", "b", "c", "d"]); step < 5000; step += 1) {
                const id = "abcd"[random(4)], tiers = order.tiers.length;
                const moves = [
                    () => orders.place(order, id), () => orders.better(order, id), () => orders.worse(order, id),
                    () => orders.toggleTie(order, id), () => orders.takeOut(order, id),
                    () => orders.putInto(order, id, random(Math.max(1, tiers))),
                    () => orders.putAbove(order, id, random(tiers + 1)),
                ];
                const move = tiers === 0 ? random(5) : random(7);
                order = moves[move]();
                const all = [...order.tiers.flat(), ...order.unplaced].sort().join("");
                if (all !== "abcd" || order.tiers.some((tier) => tier.length === 0)) {
                    return JSON.stringify({step, move, id, order});
                }
            }
            return "5000";
        })
        """
}
