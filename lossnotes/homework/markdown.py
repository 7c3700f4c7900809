"""The little Markdown that findings are written in, as HTML."""

import re
from html import escape


def markdown(text):
    """HTML of the little Markdown that findings use; whatever else stands in a text is text."""
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.strip().splitlines()
        if all(line.startswith("|") for line in lines):
            rows = [_cells(line) for line in lines if not re.fullmatch(r"[|\-\s]+", line)]
            head = [f"<tr>{''.join(f'<th>{cell}</th>' for cell in rows[0])}</tr>"]
            rest = (f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows[1:])
            blocks.append(f"<table>{''.join([*head, *rest])}</table>")
        elif all(line.startswith("- ") for line in lines):
            entries = "".join(f"<li>{_inline(line[2:])}</li>" for line in lines)
            blocks.append(f"<ul>{entries}</ul>")
        elif all(re.match(r"\d+\. ", line) for line in lines):
            entries = "".join(f"<li>{_inline(line.partition(' ')[2])}</li>" for line in lines)
            blocks.append(f"<ol>{entries}</ol>")
        else:
            blocks.append(f"<p>{'<br>'.join(map(_inline, lines))}</p>")
    return "\n".join(blocks)


def _cells(line):
    """What stands between bars that are in no code."""
    parts = re.findall(r"((?:`[^`]*`|[^`|])*)\|", line[1:])
    return [_inline(part.strip()) for part in parts]


def _inline(text):
    return "".join(
        f"<code>{escape(piece[1:-1])}</code>" if re.fullmatch("`.*`", piece) else _stressed(piece)
        for piece in re.split(r"(`[^`]*`)", text)
    )


def _stressed(text):
    bold = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text))
    return re.sub(r"(?<!\w)\*(\S[^*]*)\*(?!\w)", r"<em>\1</em>", bold)
