"""The look of the desk: tokens, theme, style, icons, and the painter of a visit."""
