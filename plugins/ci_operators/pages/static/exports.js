/** What a section shows, as a file. */

import { apiAddress } from "./api.js";
import { Chakra, h } from "./element.js";
import { Icon } from "./icons.js";

const { Button, Menu, Portal } = Chakra;

/** Returns a menu with the section's figures as CSV and as JSON. `what` names the export, `title` the section. */
export function ExportMenu({ what, title, parameters }) {
  const item = (form, words) =>
    h(
      Menu.Item,
      { key: form, value: form, asChild: true },
      h("a", { href: apiAddress(`export/${what}.${form}`, parameters), download: true }, words),
    );
  return h(
    Menu.Root,
    null,
    h(
      Menu.Trigger,
      { asChild: true },
      h(
        Button,
        { size: "xs", variant: "ghost", color: "fg.muted", "aria-label": `Export: ${title}` },
        h(Icon, { name: "download" }),
        "Export",
      ),
    ),
    h(
      Portal,
      null,
      h(
        Menu.Positioner,
        null,
        h(Menu.Content, null, item("csv", "CSV for spreadsheets"), item("json", "JSON for programs")),
      ),
    ),
  );
}

/** Returns a button that saves a file of the API. */
export function DownloadButton({ path, parameters, children }) {
  const link = h("a", { href: apiAddress(path, parameters), download: true }, h(Icon, { name: "download" }), children);
  return h(Button, { size: "sm", variant: "outline", asChild: true }, link);
}
