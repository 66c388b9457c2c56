"""The hunter: from a conjecture to the simplest counterexample that the kernel certifies.

What is where:

    settings.py, conjectures.py, questions.py   what is asked
    targets.py, space.py, margins/              what searchers climb
    own.py                                      the same for a model of one's own
    searchers.py, islands.py, jobs.py           how it is searched
    run.py, executors.py                        who searches, and where
    drafts.py, simplify.py                      what is found, made small
    ledger.py, exports.py                       what is kept, and what of it becomes a record
    phase.py, plots.py                          what is shown
"""
