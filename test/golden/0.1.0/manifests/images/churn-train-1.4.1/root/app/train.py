VERSION = "1.4.1"
print("training with", VERSION)
