# SPDX-License-Identifier: MIT
"""A tool with sub-commands, as click makes them."""
import datetime

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "TOOL"})
@click.option("-v", "--verbose", count=True, help="Say more; may be repeated.")
@click.option("--config", type=click.File("r"), metavar="PATH", help="Where the settings are.")
@click.version_option("1.2.3", prog_name="tool")
@click.pass_context
def tool(ctx, verbose, config):
    """A tool that does a few things.

    The second paragraph of its help is long enough that it has to be wrapped over more than one line of a terminal of eighty columns.

    \b
    This one
      is not wrapped.
    """
    ctx.obj = {"verbose": verbose, "config": config and config.read()}
    if verbose:
        click.echo(f"verbose {verbose}", err=True)


@tool.command("list")
@click.option("--sort", type=click.Choice(["name", "size"], case_sensitive=False), default="name", show_default=True)
@click.option("--limit", type=click.IntRange(1, 10, clamp=True), default=5, show_default=True, help="How many.")
@click.option("--header/--no-header", default=True, help="Print a header.")
@click.option("--tag", multiple=True)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--pair", type=(int, str), default=None)
@click.argument("names", nargs=-1)
@click.pass_obj
def list_names(obj, sort, limit, header, tag, since, pair, names):
    """Lists names."""
    if header:
        click.secho("NAMES", bold=True)
    click.echo((obj, sort, limit, tag, since, pair, sorted(names)))


@tool.command(epilog="Numbers may have fractions.", short_help="Adds up.")
@click.argument("numbers", nargs=-1, type=float, required=True)
@click.option("--times", type=click.IntRange(1, 10), default=1)
def add(numbers, times):
    """Adds NUMBERS and multiplies."""
    click.echo(f"{sum(numbers) * times:g}")


@tool.group(invoke_without_command=True)
@click.pass_context
def remote(ctx):
    """Works with remotes."""
    if ctx.invoked_subcommand is None:
        click.echo("remotes: none")


@remote.command("add")
@click.argument("name")
@click.argument("url")
@click.option("--force", is_flag=True, hidden=True)
def remote_add(name, url, force):
    """Adds a remote."""
    click.echo(f"added {name} {url} {force}")


@remote.command("remove", deprecated=True)
@click.argument("name", default="origin")
@click.confirmation_option(prompt="Really?")
def remote_remove(name):
    """Removes a remote."""
    click.echo(f"removed {name}")


@tool.command()
@click.option("--name", prompt="Your name")
@click.option("--shout", is_flag=True)
def greet(name, shout):
    """Greets."""
    text = f"Hello {name!r}"
    click.echo(text.upper() if shout else text)
    if name == "Grace":
        click.echo(click.prompt("A word", default="none"))
        click.echo(click.confirm("Sure?"))


@tool.command()
@click.argument("file", type=click.File("r", encoding="utf-8"))
def read(file):
    """Counts lines of FILE."""
    for number, line in enumerate(file, 1):
        click.echo(f"{number}: {line!r}")


@tool.command()
def fail():
    raise click.ClickException("it went wrong")


@tool.command()
def abort():
    raise click.Abort()


@tool.command("exit")
@click.argument("status", type=int)
@click.pass_context
def exit_with(ctx, status):
    ctx.call_on_close(lambda: click.echo("closed"))
    ctx.exit(status)


@tool.command()
def style():
    click.echo(repr(click.style("red", fg="red", bold=True, underline=True)) + repr(click.unstyle("\x1b[31mx\x1b[0m")))
    click.echo(click.style("not coloured in a pipe", fg="green"))


@tool.command()
def progress():
    with click.progressbar(range(5), label="Working", show_eta=False) as steps:
        for step in steps:
            pass
    click.echo(step)


@tool.command()
def table():
    formatter = click.HelpFormatter(width=60)
    formatter.write_usage("tool", "[OPTIONS] " + " ".join(f"ARG{n}" for n in range(12)))
    with formatter.section("Rows"):
        formatter.write_dl([("short", "text"), ("a much longer term than the others", "which pushes its text, also rather long, to a line of its own")])
    click.echo(formatter.getvalue())


@tool.command()
@click.option("--level", type=int, default=1, show_envvar=True)
def env(level):
    click.echo(level)


@tool.command("pass-through", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.pass_context
def pass_through(ctx):
    click.echo(ctx.args)


@tool.result_callback()
def done(result, **options):
    if options["verbose"]:
        click.echo(f"done at {datetime.date(2020, 1, 1)}: {result}")


if __name__ == "__main__":
    tool(prog_name="tool")
