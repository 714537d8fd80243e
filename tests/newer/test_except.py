# PEP 758: exception types without parentheses
def handle(error):
    try:
        raise error
    except ValueError, TypeError:
        return "first"
    except KeyError, (IndexError), OSError:
        return "second"
    except* RuntimeError if False else ZeroDivisionError:
        return "third"
