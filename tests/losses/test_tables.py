"""Every public function stands in the tables of the tests, or here with the reason why it does not.

A function that stands in no table is not tried there, and nothing else would say so.
"""

import importlib
import inspect
import pkgutil
from types import SimpleNamespace

from lossnotes import losses
from lossnotes.learning import binary, calibration

from .test_accuracy import CHECKS
from .test_properties import CALLS, LABELLED, OF_SCORES

MODULES = [
    importlib.import_module(f"{losses.__name__}.{module.name}")
    for module in pkgutil.iter_modules(losses.__path__)
    if not module.name.startswith("_")
]


def public(*modules):
    """The functions that modules define for their readers, by name."""
    return {
        name: f
        for module in modules
        for name, f in vars(module).items()
        if inspect.isfunction(f) and f.__module__ == module.__name__ and name[0] != "_"
    }


def taking(functions, *names):
    """The functions with an argument of one of these names."""
    return {
        name: f for name, f in functions.items() if {*names} & {*inspect.signature(f).parameters}
    }


def entered(table):
    """The names in a table, in which "log_loss, vectors" is a second entry of log_loss."""
    return {name.partition(",")[0] for name in table}


def faults(functions, table, exceptions):
    """The functions that are missing, and the exceptions that are none."""
    missing = {name: "stands in no table" for name in functions.keys() - table - exceptions.keys()}
    needless = {name: "is no exception" for name in exceptions.keys() - (functions.keys() - table)}
    return missing | needless


PAIR = "a pair, of two functions that are there"
LABELS = "labels become vectors; nothing is computed from floats"
KERNEL = "makes a kernel"
BINS = "numbers of a whole set, in bins"
FUNCTIONS = public(*MODULES, binary, calibration)


def test_every_function_is_called_by_the_common_tests():
    exceptions = {
        "log_loss_and_grad": PAIR,
        "nll_and_grad": PAIR,
        "kde_cross_entropy_and_grad": PAIR,
        "one_hot": LABELS,
        "smooth": LABELS,
        "optimal_gap": "a number from two numbers",
        "box": KERNEL,
        "laplace": KERNEL,
        "gaussian": KERNEL,
        "sample": "random",
        "perplexity": "one number from all rows",
        "reliability": BINS,
        "expected_calibration_error": BINS,
        "fit_temperature": "one number from all rows",
    }
    assert faults(FUNCTIONS, entered(CALLS), exceptions) == {}


def test_every_function_of_scores_is_called_with_impossible_classes():
    exceptions = {
        "log_loss_and_grad": PAIR,
        "nll_and_grad": PAIR,
        "kde_cross_entropy_and_grad": PAIR,
        "sample": "random; test_continuous_categorical.py has samples of a face",
        "fit_temperature": "refuses them",
    }
    assert faults(taking(FUNCTIONS, "s", "eta"), entered(OF_SCORES), exceptions) == {}


def test_every_function_of_scores_and_labels_is_called_with_labels_that_are_none():
    of_scores_and_labels = taking(taking(FUNCTIONS, "s", "eta"), "y")
    exceptions = {"fit_temperature": "wants one label for each row, and refuses all others"}
    assert faults(of_scores_and_labels, entered(LABELLED), exceptions) == {}


def test_every_function_is_compared_with_mpmath():
    own = {"continuous_categorical", "fenchel_young", "kde"}  # with references in their own tests
    modules = [module for module in MODULES if module.__name__.rpartition(".")[2] not in own]
    exceptions = {
        "log_loss_and_grad": PAIR,
        "log_loss_hessian": "there as hessian_of_label, and for vectors",
        "margin_loss_grad": "0, 1 and -1, which are exact",
        "one_hot": "0 and 1, which are exact",
        "smooth": "there, in a test of its own",
        "optimal_gap": "there, in a test of its own",
    }
    assert faults(public(*modules), {f.__name__ for f in CHECKS}, exceptions) == {}


def test_a_function_that_was_not_entered_is_noticed():
    def squared_margin_loss(s, y):
        pass

    squared_margin_loss.__module__ = "margin"
    module = SimpleNamespace(__name__="margin", squared_margin_loss=squared_margin_loss, np=public)
    missing = {"squared_margin_loss": "stands in no table"}
    assert faults(taking(public(module), "y"), entered(["margin_loss, vectors"]), {}) == missing


def test_an_exception_for_a_function_that_was_entered_is_noticed():
    assert faults(FUNCTIONS, {*FUNCTIONS}, {"box": KERNEL}) == {"box": "is no exception"}
