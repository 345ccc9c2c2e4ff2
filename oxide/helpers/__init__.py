"""The methods of resources that are more than one request: mixins of the generated classes (see `oxide._tools.helpers`).

What is done is a flow, written once; the synchronous and the asynchronous method run it.
"""
