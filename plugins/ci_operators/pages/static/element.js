/** React, Chakra UI and the router as Airflow lends them to plugins: the pages look and behave as its own. */

import htm from "./vendor/htm-3.1.1.module.js";

const { React, ChakraUI, ReactRouterDOM } = globalThis;

/** Makes elements of a template: <${Component} name=${value} ...${more}>children<//>. Values are never markup. */
export const html = htm.bind(React.createElement);
export const { Component, Fragment, useCallback, useEffect, useId, useMemo, useRef, useState } = React;
export const { Link: RouterLink, useSearchParams } = ReactRouterDOM;
export const { Alert, Badge, Box, Button, CloseButton, Code, Drawer, EmptyState, Flex, Grid, Heading } = ChakraUI;
export const { Icon: IconFrame, Input, InputGroup, Link, Menu, NativeSelect, Portal, SimpleGrid, Skeleton } = ChakraUI;
export const { Stack, Status, Switch, Table, Tabs, Text, Timeline } = ChakraUI;
