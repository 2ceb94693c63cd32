/** React, Chakra UI and the router that Airflow shares with plugins: the pages look and behave like its own. */

import htm from "./vendor/htm-3.1.1.module.js";

const { React, ChakraUI, ReactRouterDOM } = globalThis;

/** Creates elements from a template: <${Component} name=${value} ...${more}>children<//>. Values are never markup. */
export const html = htm.bind(React.createElement);
export const { Component, Fragment, useCallback, useEffect, useId, useMemo, useRef, useState } = React;
export const { Link: RouterLink, useLocation, useSearchParams } = ReactRouterDOM;
export const { Alert, Badge, Box, Button, CloseButton, Code, Drawer, EmptyState, Flex, Grid, Heading } = ChakraUI;
export const { Icon: IconFrame, Input, InputGroup, Link, Menu, NativeSelect, Portal, SimpleGrid, Skeleton } = ChakraUI;
export const { Stack, Status, Switch, Table, Tabs, Text, Timeline } = ChakraUI;
