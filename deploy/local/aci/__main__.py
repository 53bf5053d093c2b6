"""The commands of `just aci`: `python -m deploy.local.aci COMMAND --help`."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple, TypeAlias

from deploy.local import processes
from deploy.local.__main__ import INTERRUPTED, default_instance
from deploy.local.aci import exports, imports, settling
from deploy.local.aci.asking import NoAnswer, OrderRefused, Services
from deploy.local.aci.files import BadFile
from deploy.local.arguments import instance_name
from deploy.local.lifecycle import NotUp, find_running

Run = Callable[[Services, argparse.Namespace], int]
# What `add_subparsers` answers has no public name.
_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def first_day(text: str) -> date:
    """The first day of a contract year."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"« {text} » n'est pas un jour comme 2026-04-15") from None


def identifier(text: str) -> str:
    """What names a CPTS or a batch: it becomes a part of an address."""
    if not re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", text):
        raise argparse.ArgumentTypeError(f"« {text} » n'est pas un identifiant")
    return text


def civil_year(text: str) -> int:
    """A civil year of this century."""
    if text.isdecimal() and 2000 <= int(text) <= 2999:  # noqa: PLR2004 - what the services take
        return int(text)
    raise argparse.ArgumentTypeError(f"« {text} » n'est pas une année comme 2026")


class _Command(NamedTuple):
    """Where the arguments of a command are added, and its options."""

    arguments: "argparse._ArgumentGroup"
    options: "argparse._ArgumentGroup"


def _groups(parser: argparse.ArgumentParser) -> _Command:
    """The two groups of a parser, under French titles, with its help."""
    groups = _Command(parser.add_argument_group("arguments"), parser.add_argument_group("options"))
    groups.options.add_argument("-h", "--help", action="help", help="montre cette aide")
    return groups


def _add(commands: _Commands, name: str, run: Run, text: str) -> _Command:
    parser = commands.add_parser(name, help=text, description=text, add_help=False)
    parser.set_defaults(run=run)
    command = _groups(parser)
    command.options.add_argument(
        "--instance",
        type=instance_name,
        default=default_instance(),
        help="la plateforme, par défaut %(default)s (aussi CPTS_INSTANCE)",
    )
    return command


def _cpts(command: _Command) -> None:
    command.arguments.add_argument(
        "cpts", metavar="CPTS", type=identifier, help="l'identifiant de la CPTS"
    )


def _contract_year(command: _Command) -> None:
    _cpts(command)
    command.arguments.add_argument(
        "starts_on",
        metavar="ANNÉE",
        type=first_day,
        help="le premier jour de l'année de contrat, comme 2026-04-15",
    )


def _batch(command: _Command) -> None:
    command.arguments.add_argument(
        "batch", metavar="LOT", type=identifier, help="l'identifiant du lot de virements"
    )


def _file(command: _Command, text: str) -> None:
    command.arguments.add_argument("file", metavar="FICHIER", type=Path, help=text)


def _several(command: _Command) -> None:
    command.options.add_argument(
        "--cpts",
        metavar="CPTS",
        type=identifier,
        action="append",
        help="cette CPTS seule ; répétable",
    )


def _parser() -> argparse.ArgumentParser:
    text = "Le travail de la caisse sur l'ACI, par l'API des services (`just up`)."
    parser = argparse.ArgumentParser(prog="just aci", description=text, add_help=False)
    _groups(parser)
    commands = parser.add_subparsers(required=True, metavar="COMMANDE", title="commandes")
    _add_imports(commands)
    _add_settling(commands)
    _add_exports(commands)
    return parser


def _add_imports(commands: _Commands) -> None:
    command = _add(
        commands,
        "import-lines",
        imports.import_lines,
        "Remplace les lignes d'une année de contrat par celles d'un fichier, toutes ou aucune.",
    )
    _contract_year(command)
    _file(command, "l'annexe du contrat, .csv ou .xlsx (`just aci template lines` donne la trame)")
    command = _add(
        commands,
        "import-values",
        imports.import_values,
        "Reprend les valeurs d'un fichier de la caisse, toutes ou aucune.",
    )
    _file(
        command,
        "les valeurs, .csv ou .xlsx (`just aci template values` donne la trame) ; "
        "un taux s'écrit en pour cent : 66,26",
    )
    command = _add(
        commands,
        "import-answers",
        imports.import_answers,
        "Reprend les réponses de la banque sur un lot de virements, toutes ou aucune.",
    )
    _batch(command)
    _file(command, "le fichier de la banque, pain.002 ou CSV")
    command = _add(commands, "template", imports.template, "Écrit une trame vide, à remplir.")
    command.arguments.add_argument(
        "what",
        metavar="TRAME",
        choices=("lines", "values"),
        help="lines : lignes de contrat ; values : valeurs de la caisse",
    )
    _file(command, "le fichier à écrire, .csv, ou .xlsx pour les lignes")


def _add_settling(commands: _Commands) -> None:
    command = _add(
        commands,
        "settle",
        settling.settle,
        "Arrête les années de contrat finies dont le dialogue est complet, et dit pourquoi les "
        "autres ne le sont pas.",
    )
    command.options.add_argument("--cpts", metavar="CPTS", type=identifier, help="cette CPTS seule")
    command.options.add_argument(
        "--year",
        metavar="AN",
        type=civil_year,
        help="les années de contrat qui commencent dans cette année civile",
    )
    command.options.add_argument("-y", "--yes", action="store_true", help="ne demande rien")


def _add_exports(commands: _Commands) -> None:
    command = _add(
        commands,
        "statements",
        exports.statements,
        "Écrit en PDF l'état annuel de chaque année de contrat qui commence dans une année civile.",
    )
    command.arguments.add_argument(
        "folder", metavar="DOSSIER", type=Path, help="où écrire les états"
    )
    command.options.add_argument(
        "--year", metavar="AN", type=civil_year, required=True, help="l'année civile"
    )
    _several(command)
    text = "Écrit un fichier : lignes de contrat, FEC, lot de virements, sommes dues."
    export = commands.add_parser("export", help=text, description=text, add_help=False)
    _groups(export)
    kinds = export.add_subparsers(required=True, metavar="QUOI", title="quoi")
    command = _add(kinds, "lines", exports.export_lines, "Les lignes d'une année de contrat.")
    _contract_year(command)
    _file(command, "le fichier à écrire, .csv ou .xlsx")
    command = _add(kinds, "fec", exports.export_fec, "Le FEC d'une CPTS pour une année civile.")
    _cpts(command)
    command.arguments.add_argument("year", metavar="AN", type=civil_year, help="l'année civile")
    _file(command, "le fichier à écrire")
    command = _add(kinds, "batch", exports.export_batch, "Un lot de virements.")
    _batch(command)
    _file(command, "le fichier à écrire : .csv, .xlsx, ou .xml (pain.001) pour la banque")
    command = _add(kinds, "dues", exports.export_dues, "Les sommes dues aux CPTS.")
    _file(command, "le fichier à écrire, .csv")
    _several(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; answers the exit code: 0 done, 1 not all of it, 2 not understood, 130
    Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    processes.end_by_exception_on_signals()
    run: Run = options.run
    try:
        return run(Services(find_running(options.instance).http_urls), options)
    except NotUp:
        print("la plateforme n'est pas démarrée : lancez `just up`", file=sys.stderr)
    except (OrderRefused, NoAnswer, BadFile) as failure:
        print(failure, file=sys.stderr)
    except OSError as error:
        print(f"{type(error).__name__} : {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrompu : ce qui est fait est fait, le reste ne l'est pas", file=sys.stderr)
        return INTERRUPTED
    return 1


if __name__ == "__main__":
    sys.exit(main())
