/** Building blocks of the pages: sections, facts with their names, figures, muted text. */

import { Icon } from "./badges.js";
import { Box, Flex, Heading, html, Text, useId } from "./element.js";

/** Returns a framed part of the page with a heading; `place` is an id to scroll to. */
export function Section({ title, note, actions, place, children, ...style }) {
  const id = useId();
  return html`
    <${Box} as="section" id=${place} aria-labelledby=${id} borderWidth="1px" borderRadius="md" minW="0" bg="bg"
        ...${style}>
      <${Flex} align="center" gap="3" px="4" pt="3" pb="2" wrap="wrap" minH="12">
        <${Heading} as="h2" id=${id} size="sm" fontWeight="semibold">${title}<//>
        ${note && html`<${Muted}>${note}<//>`}
        ${actions && html`<${Flex} ms="auto" gap="2" align="center">${actions}<//>`}
      <//>
      <${Box} px="4" pb="4">${children}<//>
    <//>
  `;
}

/** Returns muted text, for explanations. */
export function Muted(props) {
  return html`<${Text} as="span" color="fg.muted" fontSize="sm" ...${props} />`;
}

/** Returns a question mark that explains a figure, for mouse, keyboard and screen readers. */
export function Hint({ text }) {
  return html`
    <${Box} as="span" role="img" tabIndex=${0} title=${text} aria-label=${text} ms="1" display="inline-block"
        verticalAlign="text-bottom" cursor="help">
      <${Icon} name="question" boxSize="3.5" />
    <//>
  `;
}

/** Returns facts side by side, each below its name, as on Airflow's pages. `facts`: [name, value, title?]. */
export function Facts({ facts, ...style }) {
  const shown = facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
  const cells = shown.map(([name, value, title]) => html`
    <${Box} key=${name} minW="0">
      <${Text} as="dt" fontSize="xs" fontWeight="bold" color="fg.muted">${name}<//>
      <${Text} as="dd" fontSize="sm" mt="0.5" title=${title} overflowWrap="anywhere">${value}<//>
    <//>
  `);
  return html`<${Flex} as="dl" wrap="wrap" columnGap="8" rowGap="3" m="0" ...${style}>${cells}<//>`;
}

/** Returns a large figure below its name, with a small note; `hint` explains the figure. */
export function Figure({ name, value, note, palette, hint }) {
  return html`
    <${Box} borderWidth="1px" borderRadius="md" px="4" py="3" minW="0">
      <${Text} fontSize="xs" fontWeight="bold" color="fg.muted">${name}${hint && html`<${Hint} text=${hint} />`}<//>
      <${Text} fontSize="2xl" fontWeight="semibold" lineHeight="short" color=${palette ? `${palette}.fg` : undefined}>
        ${value}
      <//>
      ${note && html`<${Muted} fontSize="xs">${note}<//>`}
    <//>
  `;
}

/** Returns a bar that is filled to a share between 0 and 1. The text beside it has the figure. */
export function Bar({ share, token = "brand.500", mark, ...style }) {
  const width = `${Math.min(100, Math.max(share > 0 ? 1 : 0, share * 100))}%`;
  return html`
    <${Box} aria-hidden bg="bg.emphasized" borderRadius="full" h="1.5" position="relative" overflow="hidden"
        ...${style}>
      <${Box} bg=${token} h="full" w=${width} borderRadius="full" />
      ${mark !== undefined && html`
        <${Box} position="absolute" insetY="0" insetStart="${mark * 100}%" w="2px" bg="fg" />
      `}
    <//>
  `;
}
