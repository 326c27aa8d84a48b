"""What `make` uses to build and check the project. Not part of the product."""
