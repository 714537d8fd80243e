# Line events, and the line on which an exception leaves a frame (PEP 626)
import sys


class Manager:
    def __init__(self, fails=False): self.fails = fails
    def __enter__(self): return self
    def __exit__(self, *exc):
        if self.fails: raise ValueError


def boom(x): 1 / x


def finally_if(x):
    try:
        boom(0)
    finally:
        if x:
            y = 1
        else:
            y = 2

def finally_loop(x):
    try:
        boom(0)
    finally:
        for i in x or ():
            boom(1)

def finally_while(x):
    try:
        boom(0)
    finally:
        while x:
            x = False

def finally_with(x):
    try:
        boom(0)
    finally:
        with Manager(x):
            pass

def finally_match(x):
    try:
        boom(0)
    finally:
        match x:
            case False: pass
            case [1]: y = 1

def finally_try(x):
    try:
        boom(0)
    finally:
        try:
            boom(1)
        except ValueError:
            pass

def nested(x):
    try:
        try:
            boom(0)
        except TypeError:
            pass
        finally:
            x = 1
    except KeyError as error:
        pass

def handler(x):
    try:
        boom(0)
    except ZeroDivisionError as error:
        boom(0)
        pass

def with_body(x):
    with Manager(x) as m:
        boom(0)
        pass

def bare(x):
    try:
        boom(0)
    except:
        raise
    finally:
        y = x and boom(1)

def return_in_finally(x):
    try:
        boom(0)
    finally:
        return x
        pass


def tracer(frame, event, arg):
    if frame.f_code.co_name == "boom": return None
    line = frame.f_lineno
    print(" ", event, line - frame.f_code.co_firstlineno if line else None)
    return tracer


for function in [finally_if, finally_loop, finally_while, finally_with, finally_match, finally_try, nested, handler, with_body, bare, return_in_finally]:
    for argument in False, [1]:
        print(function.__name__, argument)
        sys.settrace(tracer)
        try:
            function(argument)
            sys.settrace(None)
        except Exception as error:
            sys.settrace(None)
            entry = error.__traceback__.tb_next
            base = function.__code__.co_firstlineno
            print(" ", type(error).__name__, entry.tb_lineno - base, entry.tb_frame.f_lineno and entry.tb_frame.f_lineno - base)
