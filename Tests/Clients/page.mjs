// A page's own means for snippets that run in Node: a document that a file is dropped on as soon as it listens for one,
// a body whose text is printed, and a reader of files. The file is picture.png in the working folder.
// `node --import ./page.mjs snippet.mjs` runs a snippet.
import { readFile } from "node:fs/promises";

class Page extends EventTarget {
  body = { append: (text) => console.log(text) };

  addEventListener(kind, listener) {
    super.addEventListener(kind, listener);
    if (kind === "drop") this.drop();
  }

  async drop() {
    const event = new Event("drop", { cancelable: true });
    event.dataTransfer = { files: [new Blob([await readFile("picture.png")], { type: "image/png" })] };
    this.dispatchEvent(event);
    // A page that does not take the file would go away to show it.
    if (!event.defaultPrevented) throw new Error("the snippet did not prevent the default");
  }
}

class Reader extends EventTarget {
  async readAsDataURL(blob) {
    this.result = `data:${blob.type};base64,${Buffer.from(await blob.arrayBuffer()).toString("base64")}`;
    this.dispatchEvent(new Event("load"));
  }
}

globalThis.document = new Page();
globalThis.FileReader = Reader;
