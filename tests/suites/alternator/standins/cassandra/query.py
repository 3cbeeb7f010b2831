class SimpleStatement:
    pass
